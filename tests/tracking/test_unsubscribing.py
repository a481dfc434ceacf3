"""Saying no: one press or one click, at once, for years, without a cookie, a redirect or a question."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Consent, Contact, Suppression
from campaigns.delivery.links import Purpose, make_token
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.models import Brand, Tenant
from tenants.journal.models import Event
from tests import factories
from tests.conftest import OutsideClient
from tests.delivery.making import DAY, make_due, make_sender
from tests.tracking.making import booking_page, everything_kept, make_reached, unsubscribe_page

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def reached(tenant: Tenant) -> Message:
    return make_reached(tenant)


def suppressions(message: Message) -> list[tuple[str, str, str]]:
    rows = Suppression.objects.for_tenant(message.tenant_id).filter(lifted_at=None).order_by("channel", "address_hmac")
    return list(rows.values_list("channel", "reason", "source"))


def planned(message: Message) -> set[str]:
    return set(Message.objects.for_tenant(message.tenant_id).filter(step_code="nudge").values_list("state", flat=True))


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_changes_nothing(method: str, client: Client, reached: Message) -> None:
    before = everything_kept()

    for _ in range(3):
        response = getattr(client, method)(unsubscribe_page(reached))

        assert response.status_code == 200
    assert everything_kept() == before


@pytest.mark.parametrize(
    "sent",
    [
        {"data": ONE_CLICK},
        {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"},
        {"data": {}},
        {"data": {"scope": "channel"}},
        {"data": "\xff\xfe{", "content_type": "application/json"},
    ],
)
def test_a_post_acts_at_once_without_cookie_redirect_or_question(
    sent: dict[str, Any], client: Client, reached: Message
) -> None:
    answered = client.post(unsubscribe_page(reached), **sent)

    assert answered.status_code == 200
    assert "Done. You are unsubscribed." in answered.content.decode()
    assert not answered.cookies
    assert [row[:2] for row in suppressions(reached)] == [("email", "unsubscribed")]
    assert Enrolment.objects.get(pk=reached.enrolment_id).ended_by == "opt_out"
    assert planned(reached) == {"cancelled"}


def test_one_click_is_told_from_the_page(client: Client, reached: Message) -> None:
    client.post(unsubscribe_page(reached), ONE_CLICK)

    assert suppressions(reached) == [("email", "unsubscribed", "one_click")]
    event = Event.objects.for_tenant(reached.tenant_id).get(kind="contact.unsubscribed")
    assert event.data == {"channel": "email", "source": "one_click"}


def test_a_mailbox_provider_needs_no_csrf_token(reached: Message) -> None:
    answered = OutsideClient(enforce_csrf_checks=True).post(unsubscribe_page(reached), ONE_CLICK)

    assert answered.status_code == 200
    assert suppressions(reached)


def test_a_repeat_is_done_already(client: Client, reached: Message) -> None:
    client.post(unsubscribe_page(reached), ONE_CLICK)
    before = everything_kept()

    for _ in range(3):
        assert client.post(unsubscribe_page(reached), ONE_CLICK).status_code == 200

    assert everything_kept() == before


def test_everything_stops_every_channel_and_every_address(client: Client, reached: Message) -> None:
    client.post(unsubscribe_page(reached), {"scope": "everything"})

    assert suppressions(reached) == [("all", "unsubscribed", "unsubscribe_page")] * 2
    assert not Suppression.objects.filter(brand__isnull=False).exists()


def test_email_stops_for_the_brand_that_wrote_and_a_text_for_the_whole_business(client: Client, tenant: Tenant) -> None:
    mailed = make_reached(tenant)
    texted = make_reached(tenant, channel="sms", phone="+13125550199", phone_hmac="q" * 64)

    client.post(unsubscribe_page(mailed))
    client.post(unsubscribe_page(texted))

    brand = Brand.objects.for_tenant(tenant).get()
    kept = set(Suppression.objects.for_tenant(tenant).values_list("channel", "address_hmac", "brand_id"))
    assert kept == {("email", mailed.contact.email_hmac, brand.pk), ("sms", "q" * 64, None)}


def test_the_page_offers_the_channel_or_everything_and_needs_no_script(client: Client, reached: Message) -> None:
    page = client.get(unsubscribe_page(reached)).content.decode()

    assert re.findall(r'name="scope" value="(\w+)"', page) == ["channel", "everything", "following"]
    assert page.count("<form") == page.count('type="submit"') == 2
    assert "<script" not in page
    assert reached.contact.email not in page


def test_after_the_channel_the_rest_is_one_press_away(client: Client, reached: Message) -> None:
    page = client.post(unsubscribe_page(reached), {"scope": "channel"}).content.decode()

    assert re.findall(r'name="scope" value="(\w+)"', page) == ["everything"]
    assert "no more marketing e&#8209;mails" in page


def test_the_secret_link_stays_secret(client: Client, reached: Message) -> None:
    for page in (unsubscribe_page(reached), booking_page(reached)):
        response = client.get(page)

        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert not response.cookies
        assert not re.search(r'(?:src|href)="https?://', response.content.decode())


def test_a_link_works_for_years(client: Client, reached: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (0, 31, 60, 1095):
        later = factories.NOW + timedelta(days=days)
        monkeypatch.setattr("campaigns.tracking.views.timezone.now", lambda later=later: later)

        assert client.get(unsubscribe_page(reached)).status_code == 200
    client.post(unsubscribe_page(reached))

    assert Suppression.objects.get(channel="email").occurred_at == later


def bad_tokens(reached: Message) -> list[str]:
    token = unsubscribe_page(reached).removeprefix("/u/")
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    return [
        token[:-1], token[1:], token + "A", forged, "x", "A" * 40, "A" * 4096, "%00", "💥",
        make_token(Purpose.BOOK, reached.tenant_id, reached.pk),
    ]  # fmt: skip


def test_what_nobody_made_opens_nothing_and_says_what_to_do(client: Client, reached: Message) -> None:
    before = everything_kept()

    for token in bad_tokens(reached):
        for response in (client.get(f"/u/{token}"), client.post(f"/u/{token}", ONE_CLICK)):
            assert response.status_code == 404
            assert "This link does not work" in response.content.decode()
    assert client.get(unsubscribe_page(reached).replace("/u/", "/book/")).status_code == 404

    assert everything_kept() == before


def test_a_link_never_reaches_into_another_tenant(client: Client, two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = (make_reached(tenant) for tenant in two_tenants)
    crossed = f"/u/{make_token(Purpose.UNSUBSCRIBE, ours.tenant_id, theirs.pk)}"

    assert client.post(crossed, ONE_CLICK).status_code == 200

    assert Suppression.objects.count() == 0
    client.post(unsubscribe_page(ours), ONE_CLICK)
    assert {row.tenant_id for row in Suppression.objects.all()} == {ours.tenant_id}
    assert Enrolment.objects.get(pk=theirs.enrolment_id).state == "active"


def test_an_erased_person_is_answered_as_done(client: Client, reached: Message) -> None:
    Contact.objects.filter(pk=reached.contact_id).update(
        state=Contact.State.ERASED, email="", phone="", email_key=None, email_hmac="", phone_hmac="", first_name=""
    )

    page = client.get(unsubscribe_page(reached))
    clicked = client.post(unsubscribe_page(reached), ONE_CLICK)

    assert "Your details have already been removed" in page.content.decode()
    assert clicked.status_code == 200


@pytest.mark.parametrize("scope", ["channel", "everything"])
def test_the_address_that_the_message_went_to_is_stopped_too(scope: str, client: Client, reached: Message) -> None:
    Message.objects.filter(pk=reached.pk).update(address_hmac="old-address")
    channel = "all" if scope == "everything" else "email"

    client.post(unsubscribe_page(reached), {"scope": scope})

    kept = set(Suppression.objects.filter(channel=channel).values_list("address_hmac", flat=True))
    assert {"old-address", reached.contact.email_hmac} <= kept
    before = everything_kept()
    client.post(unsubscribe_page(reached), {"scope": scope})
    assert everything_kept() == before


@pytest.mark.usefixtures("catalog")
def test_a_message_that_was_sent_knows_which_address_it_went_to(client: Client, tenant: Tenant) -> None:
    campaign, number = make_sender(tenant), "+13125550101"
    mailed = make_due(campaign, email_hmac="mailed")
    texted = make_due(campaign, step="nudge", phone=number, phone_key=number, phone_hmac="texted")
    said: dict[str, Any] = {"stated_at": factories.NOW - DAY, "source": "form", "wording": "I agree."}
    record_consent(texted.contact, "sms", "given", now=factories.NOW, actor="test", **said)

    send_due(tenant, now=factories.NOW)

    for message, went_to in ((mailed, "mailed"), (texted, "texted")):
        Contact.objects.filter(pk=message.contact_id).update(email_hmac=f"new-{message.pk}", phone_hmac=None)
        client.post(unsubscribe_page(message), ONE_CLICK)
        assert Suppression.objects.filter(address_hmac=went_to, channel=message.channel).exists()


def test_an_erased_persons_click_still_stops_the_address_that_the_message_went_to(
    client: Client, reached: Message
) -> None:
    Message.objects.filter(pk=reached.pk).update(address_hmac="old-address")
    Contact.objects.filter(pk=reached.contact_id).update(
        state=Contact.State.ERASED, email="", phone="", email_key=None, email_hmac=None, phone_hmac=None
    )

    clicked = client.post(unsubscribe_page(reached), ONE_CLICK)

    assert clicked.status_code == 200
    assert list(Suppression.objects.values_list("channel", "address_hmac")) == [("email", "old-address")]


def test_a_message_that_is_gone_is_answered_as_done(client: Client, reached: Message) -> None:
    page = f"/u/{make_token(Purpose.UNSUBSCRIBE, reached.tenant_id, reached.pk + 1000)}"

    assert client.get(page).status_code == 200
    assert client.post(page, ONE_CLICK).status_code == 200


def test_a_suspended_tenants_customers_can_still_say_no(client: Client, reached: Message) -> None:
    Tenant.objects.filter(pk=reached.tenant_id).update(state=Tenant.State.SUSPENDED)

    assert client.post(unsubscribe_page(reached), ONE_CLICK).status_code == 200
    assert suppressions(reached)


def test_whoever_was_merged_into_another_says_no_for_both(client: Client, reached: Message, tenant: Tenant) -> None:
    winner = factories.make_contact(tenant, email_hmac="w" * 64)
    Contact.objects.filter(pk=reached.contact_id).update(state=Contact.State.MERGED, merged_into=winner)

    client.post(unsubscribe_page(reached), ONE_CLICK)

    kept = set(Suppression.objects.for_tenant(tenant).values_list("address_hmac", flat=True))
    assert kept == {reached.contact.email_hmac, "w" * 64}


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(method: str, client: Client, reached: Message) -> None:
    assert getattr(client, method)(unsubscribe_page(reached)).status_code == 405


def test_one_click_unsubscribes_whatever_else_stands_in_the_request(client: Client, reached: Message) -> None:
    client.post(unsubscribe_page(reached), ONE_CLICK | {"scope": "following", "follow_no_more": "yes"})

    assert [row[:2] for row in suppressions(reached)] == [("email", "unsubscribed")]
    assert not Consent.objects.exists()
