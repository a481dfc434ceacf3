"""Looking at words before they leave, and sending them to oneself."""

import pytest

from campaigns.audience.consent import record_consent
from campaigns.delivery.previewing import NoTest, longest, preview, samples, send_test
from campaigns.planning.models import Message, Variant
from tenants.access.models import Membership, User
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tests import factories
from tests.delivery.making import DAY, make_sender
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW


def hello(tenant: Tenant) -> Variant:
    make_sender(tenant)
    return Variant.objects.get(step__code="hello", channel="email")


def test_a_preview_says_what_the_contact_would_read_and_what_the_guards_say(tenant: Tenant) -> None:
    variant = hello(tenant)
    contact = factories.make_contact(tenant, first_name="Ada")
    factories.make_job(contact, NOW - 240 * DAY, service="Duct cleaning")

    seen = preview(variant, contact, now=NOW)

    assert "Hi Ada," in seen.rendered.text
    assert "duct cleaning" in seen.rendered.html
    assert seen.refusals == []
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("settings", "greeting", "encoding"),
    [
        (None, "Hello!", "GSM-7"),
        ({"sms_plain_letters": True}, "Hello!", "GSM-7"),
        ({"sms_plain_letters": False}, "Hi Łukasz!", "UCS-2"),
    ],
)
def test_the_module_says_whether_texts_keep_to_the_cheap_letters_and_the_preview_shows_it(
    tenant: Tenant, settings: dict[str, bool] | None, greeting: str, encoding: str
) -> None:
    make_sender(tenant, settings=settings)
    variant = Variant.objects.get(step__code="hello", channel="sms")
    contact = factories.make_contact(tenant, first_name="Łukasz", phone_key="+13125550140")
    record_consent(contact, "sms", "given", stated_at=NOW, source="form", wording="Yes.", now=NOW, actor="test")

    seen, most = preview(variant, contact, now=NOW), longest(variant, now=NOW)

    assert greeting in seen.rendered.text
    assert most is not None
    assert (greeting in most.text, most.counted.encoding) == (True, encoding)


def test_a_text_is_counted_with_the_longest_values_of_those_who_would_get_it(tenant: Tenant) -> None:
    make_sender(tenant)
    variant = Variant.objects.get(step__code="nudge", channel="sms")
    for number, (name, service, agreed) in enumerate(
        [
            ("Bo", "Air conditioning tune-up", True),
            ("Maximiliana", "Visit", True),
            ("Wolfeschlegel", "Visit", False),
        ]
    ):
        contact = factories.make_contact(tenant, first_name=name, phone_key=f"+1312555014{number}")
        factories.make_job(contact, NOW - 240 * DAY, service=service)
        if agreed:
            record_consent(
                contact, "sms", "given", stated_at=NOW, source="form", wording="I agree.", now=NOW, actor="test"
            )

    found = longest(variant, now=NOW)

    assert found is not None
    assert "Wolfeschlegel" not in found.text
    assert ("Maximiliana" in found.text, "ir conditioning tune-up" in found.text) == (True, True)
    assert "about a year and a half" in found.text
    assert found.text.endswith("Reply STOP to opt out")
    assert (found.counted.segments, found.counted.encoding) == (2, "GSM-7")


def test_nobody_agreed_to_texts_so_there_is_no_longest(tenant: Tenant) -> None:
    make_sender(tenant)
    factories.make_contact(tenant, phone_key="+13125550140")

    assert longest(Variant.objects.get(step__code="nudge", channel="sms"), now=NOW) is None


def test_samples_show_the_worst_data_first(tenant: Tenant) -> None:
    named, nameless = factories.make_contact(tenant), factories.make_contact(tenant, first_name="")

    assert [contact.pk for contact in samples(tenant)] == [nameless.pk, named.pk]


def test_a_test_goes_to_a_member_alone(tenant: Tenant) -> None:
    variant = hello(tenant)
    contact = factories.make_contact(tenant)
    user = User.objects.create_user("owner", "owner@example.com")
    Membership.objects.create(tenant=tenant, user=user, role="owner", created_at=NOW)

    with pytest.raises(NoTest, match="no member"):
        send_test(tenant, variant, contact, recipient=contact.email, now=NOW, actor="owner")
    send_test(tenant, variant, contact, recipient="owner@example.com", now=NOW, actor="owner")

    (mail,) = FakeEmailProvider.sent
    assert (mail.recipient_address, mail.subject.startswith("[Test] ")) == ("owner@example.com", True)
    assert AuditEntry.objects.filter(action="message.test_sent").count() == 1
