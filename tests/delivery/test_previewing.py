"""Looking at words before they leave, and sending them to oneself."""

import pytest

from campaigns.delivery.previewing import NoTest, preview, samples, send_test
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
