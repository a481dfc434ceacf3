"""Sending: what leaves, what is blocked, and what stays on the message as evidence."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.audience.consent import record_consent
from campaigns.audience.experiment_models import Arm
from campaigns.audience.models import ContactTag
from campaigns.audience.suppressing import suppress
from campaigns.compliance.models import Touch
from campaigns.delivery import outbox
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Campaign, Message, Offer
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender, reload
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.sms.fake import FakeSmsProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW  # noon in Chicago
SENT = FakeEmailProvider.sent


def test_a_due_message_leaves_once_with_its_headers_and_its_evidence(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))

    assert send_due(tenant, now=NOW)["handed_over"] == 1
    assert send_due(tenant, now=NOW + DAY)["handed_over"] == 0

    (mail,) = SENT
    assert mail.reference == f"wb-{message.pk}"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.headers["List-Unsubscribe"].startswith("<https://book.example.com/u/")
    assert "AC tune-up" in mail.html
    assert "/book/" in mail.text
    kept = reload(message)
    assert (kept.state, kept.handed_over_at, kept.subject) == ("handed_over", NOW, mail.subject)
    assert len(kept.content_sha256) == 64
    guards = {verdict["guard"] for verdict in kept.verdicts if verdict["allowed"]}
    assert guards >= {"suppression", "consent", "quiet_hours", "frequency_cap", "email_footer", "can_spam"}
    assert Touch.objects.filter(message=message).count() == 1


def test_a_ghost_goes_through_everything_and_is_never_handed_over(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant), arm=Arm.HELD_OUT)

    counts = send_due(tenant, now=NOW)

    assert (counts["ghost"], counts["handed_over"], SENT) == (1, 0, [])
    kept = reload(message)
    assert (kept.state, kept.handed_over_at) == ("ghost", None)
    assert kept.subject
    assert kept.content_sha256
    assert {verdict["guard"] for verdict in kept.verdicts} >= {"suppression", "quiet_hours", "email_footer"}
    assert Touch.objects.filter(message=message).exists()


@pytest.mark.parametrize("change", ["suppressed", "tagged", "withdrawn", "erased"])
def test_what_was_forbidden_since_planning_is_blocked_at_the_claim(tenant: Tenant, change: str) -> None:
    message = make_due(make_sender(tenant), email_hmac="a" * 64)
    contact = message.contact
    if change == "suppressed":
        suppress(tenant, channel="email", contact=contact, reason="complained", source="test", now=NOW)
    elif change == "tagged":
        ContactTag.objects.create(tenant=tenant, contact=contact, name="dnc", source="staff")
    elif change == "withdrawn":
        record_consent(contact, "email", "withdrawn", stated_at=NOW, source="phone", now=NOW, actor="test")
    else:
        type(contact).objects.filter(pk=contact.pk).update(state="erased")

    counts = send_due(tenant, now=NOW)

    assert (counts["blocked"], SENT) == (1, [])
    reasons = {
        "suppressed": "suppressed",
        "tagged": "do_not_contact",
        "withdrawn": "email_consent_withdrawn",
        "erased": "contact_erased",
    }
    assert (reload(message).state, message.reason) == ("blocked", reasons[change])


def test_a_customer_who_came_back_first_gets_nothing(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    job = factories.make_job(message.contact, NOW - timedelta(hours=2))
    message.contact.stat.__class__.objects.filter(contact=message.contact).update(last_job_at=job.completed_at)

    send_due(tenant, now=NOW)

    assert (reload(message).state, message.reason, SENT) == ("cancelled", "came_back", [])


def test_a_job_that_lies_after_the_moment_does_not_exist_yet(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    job = factories.make_job(message.contact, NOW + DAY)
    message.contact.stat.__class__.objects.filter(contact=message.contact).update(last_job_at=job.completed_at)

    send_due(tenant, now=NOW)

    assert reload(message).state == "handed_over"


def test_a_person_who_says_no_between_claim_and_hand_over_gets_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = make_due(make_sender(tenant), email_hmac="a" * 64)
    begin = outbox.begin_hand_over

    def after_an_opt_out(*arguments: Any, **named: Any) -> set[int]:
        suppress(tenant, channel="email", contact=message.contact, reason="unsubscribed", source="link", now=NOW)
        return begin(*arguments, **named)

    monkeypatch.setattr(outbox, "begin_hand_over", after_an_opt_out)
    send_due(tenant, now=NOW, limit=1)

    assert SENT == []
    assert reload(message).state in {"planned", "blocked"}


def test_what_was_rendered_for_an_address_that_is_theirs_no_more_is_rendered_again_for_the_new_one(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = make_due(make_sender(tenant), email="old@example.com", email_hmac="a" * 64)
    begin = outbox.begin_hand_over

    def after_a_change(*arguments: Any, **named: Any) -> set[int]:
        new = {"email": "new@example.com", "email_key": "new@example.com", "email_hmac": "b" * 64}
        type(message.contact).objects.filter(pk=message.contact_id).update(**new)
        return begin(*arguments, **named)

    monkeypatch.setattr(outbox, "begin_hand_over", after_a_change)
    send_due(tenant, now=NOW)

    assert [mail.recipient_address for mail in SENT] == ["new@example.com"]
    assert reload(message).address_hmac == "b" * 64


def test_a_brand_without_postal_address_sends_nothing(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    type(tenant).objects.filter(pk=tenant.pk).update(postal_address="")
    message.campaign.brand.__class__.objects.filter(tenant=tenant).update(postal_address="")

    send_due(tenant, now=NOW)

    assert (reload(message).state, SENT) == ("blocked", [])


def test_a_text_leaves_with_its_segments_and_its_cost(tenant: Tenant) -> None:
    campaign = make_sender(tenant, price_minor=3)
    message = make_due(campaign, step="nudge", phone="+13125550101", phone_key="+13125550101")
    record_consent(
        message.contact, "sms", "given", stated_at=NOW - DAY, source="form", wording="I agree.", now=NOW, actor="test"
    )

    send_due(tenant, now=NOW)

    (text,) = FakeSmsProvider.sent
    kept = reload(message)
    assert kept.state == "handed_over"
    assert kept.segments is not None
    assert kept.cost_minor == 3 * kept.segments
    assert "STOP" in text.body


def test_an_offer_that_has_ended_is_not_made(tenant: Tenant) -> None:
    campaign = make_sender(tenant)
    offer = Offer.objects.create(
        tenant=tenant,
        code="fall",
        name="$25 off",
        kind="amount",
        terms="Once.",
        created_at=NOW,
        expires_on=(NOW - DAY).date(),
    )
    message = make_due(campaign, step="offer")
    Message.objects.filter(pk=message.pk).update(offer=offer)

    send_due(tenant, now=NOW)

    assert reload(message).state == "handed_over"
    assert "$25 off" not in SENT[0].html


def test_leaves_other_tenants_alone(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    message, stranger = make_due(make_sender(ours)), make_due(make_sender(theirs))

    send_due(ours, now=NOW)

    assert (reload(message).state, reload(stranger).state) == ("handed_over", "planned")


def test_the_command_reports_its_keys_and_a_dry_run_sends_nothing(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    message = make_due(make_sender(tenant))

    call_command("send_due", tenant=tenant.slug, as_of=NOW.isoformat(), json=True, dry_run=True)
    assert '"sent": 1' in capsys.readouterr().out
    assert (SENT, reload(message).state) == ([], "planned")

    call_command("send_due", tenant=tenant.slug, as_of=NOW.isoformat(), json=True)
    assert set(json.loads(capsys.readouterr().out)) >= {
        "sent",
        "postponed",
        "blocked",
        "failed",
        "unknown",
        "ghost",
        "seconds",
    }
    assert len(SENT) == 1
    assert Campaign.objects.count() == 1
