"""Whoever said no is not written to: asked in the plan, in the claim, and in the statement that hands over."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.audience.platform_suppressing import NotNoted, lift_everywhere, suppress_everywhere
from campaigns.audience.suppressing import suppress
from campaigns.delivery import rendering, sending
from campaigns.delivery.sending import send_due
from campaigns.operating.planning import plan
from campaigns.planning.models import Campaign, Message
from tenants.access.keys import create_key
from tenants.access.models import User
from tenants.accounts.models import Brand, Tenant
from tenants.journal.models import AuditEntry
from tests import factories
from tests.audience.importing import run, written
from tests.delivery.making import make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
EMAIL = "ann@example.com"
DIGEST_OF = address_hmac
Forbid = Callable[[Campaign, Contact], Any]


def other_brand(campaign: Campaign) -> Brand:
    return Brand.objects.create(tenant=campaign.tenant, code="other", name="Other", is_default=False)


def forbid(campaign: Campaign, contact: Contact, **told: Any) -> None:
    usual: dict[str, Any] = {"channel": "email", "reason": "unsubscribed", "source": "test", "now": NOW}
    suppress(campaign.tenant, contact=contact, **usual | told)


FORBIDDING: dict[str, Forbid] = {
    "every channel of the business": lambda campaign, ann: forbid(campaign, ann, channel="all"),
    "e-mail of the business": forbid,
    "e-mail of the brand": lambda campaign, ann: forbid(campaign, ann, brand=campaign.brand),
    "the address alone": lambda campaign, ann: forbid(campaign, ann, address_hmac=DIGEST_OF(EMAIL)),
    "the platform": lambda campaign, ann: suppress_everywhere(
        EMAIL, channel="all", reason="legal", note="Order 7/26 of the court", actor="test", now=NOW
    ),
    "e-mail of the platform": lambda campaign, ann: suppress_everywhere(
        EMAIL, channel="email", reason="spam_trap", note="Known spam trap", actor="test", now=NOW
    ),
}
HARMLESS: dict[str, Forbid] = {
    "texts alone": lambda campaign, ann: forbid(campaign, ann, channel="sms", address_hmac=DIGEST_OF(EMAIL)),
    "another brand": lambda campaign, ann: forbid(campaign, ann, brand=other_brand(campaign)),
    "another address": lambda campaign, ann: forbid(campaign, ann, address_hmac=DIGEST_OF("bob@example.com")),
    "texts of the platform": lambda campaign, ann: suppress_everywhere(
        EMAIL, channel="sms", reason="abuse", note="Texts to a pager", actor="test", now=NOW
    ),
}


@pytest.fixture
def message(tenant: Tenant) -> Message:
    return make_due(make_sender(tenant), email=EMAIL, email_hmac=DIGEST_OF(EMAIL))


def outcome(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.reason


@pytest.mark.parametrize("scope", FORBIDDING)
def test_what_is_suppressed_after_it_was_planned_is_blocked_in_the_claim(message: Message, scope: str) -> None:
    FORBIDDING[scope](message.campaign, message.contact)

    send_due(message.tenant, now=NOW)

    assert outcome(message) == ("blocked", "suppressed")
    assert FakeEmailProvider.sent == []


@pytest.mark.parametrize("scope", FORBIDDING)
def test_what_is_suppressed_while_it_is_rendered_is_not_handed_over(
    message: Message, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render_meanwhile(facts: Any, **told: Any) -> Any:
        FORBIDDING[scope](message.campaign, message.contact)
        return rendering.render(facts, **told)

    monkeypatch.setattr(sending, "render", render_meanwhile)

    send_due(message.tenant, now=NOW)

    assert FakeEmailProvider.sent == []
    assert outcome(message)[0] in ("planned", "blocked")


@pytest.mark.parametrize("scope", FORBIDDING)
def test_what_is_suppressed_before_is_not_planned(message: Message, scope: str) -> None:
    ann, campaign = message.contact, message.campaign
    FORBIDDING[scope](campaign, ann)
    message.delete()
    message.enrolment.position = 0
    message.enrolment.next_action_at = NOW - timedelta(hours=1)
    message.enrolment.save()

    plan(campaign.tenant, now=NOW)

    planned = Message.objects.for_tenant(campaign.tenant).get()
    refused = [verdict for verdict in planned.verdicts if verdict["guard"] == "suppression" and not verdict["allowed"]]
    assert planned.state == "blocked"
    assert refused[0]["channel"] == "email"


@pytest.mark.parametrize("scope", HARMLESS)
def test_a_no_of_another_scope_stops_nothing(message: Message, scope: str) -> None:
    HARMLESS[scope](message.campaign, message.contact)

    send_due(message.tenant, now=NOW)

    assert outcome(message)[0] == "handed_over"


def test_no_import_and_no_new_contact_lifts_anything(tenant: Tenant, message: Message, tmp_path: Path) -> None:
    forbid(message.campaign, message.contact, channel="all")
    rows = f"external_id,email,email_consent,email_consent_at,email_consent_source\nagain,{EMAIL},yes,2026-09-29,form\n"

    run("contacts", tenant, written(tmp_path, rows))
    send_due(tenant, now=NOW)

    assert Suppression.objects.for_tenant(tenant).filter(lifted_at=None).exists()
    assert outcome(message) == ("blocked", "suppressed")


def test_the_platforms_list_holds_for_every_business_and_names_nobody(two_tenants: tuple[Tenant, Tenant]) -> None:
    made = suppress_everywhere(EMAIL, channel="all", reason="legal", note="Order 7/26", actor="test", now=NOW)
    again = suppress_everywhere(EMAIL, channel="all", reason="legal", note="Order 7/26", actor="test", now=NOW)

    row = PlatformSuppression.objects.get()
    assert (made, again) == (True, False)
    assert EMAIL not in json.dumps([str(value) for value in vars(row).values()])
    for each in two_tenants:
        due = make_due(make_sender(each), email=EMAIL, email_hmac=DIGEST_OF(EMAIL))
        send_due(each, now=NOW)
        assert outcome(due) == ("blocked", "suppressed")
    assert lift_everywhere(row, note="The order was lifted.", actor="test", now=NOW)
    with pytest.raises(NotNoted):
        suppress_everywhere(EMAIL, channel="all", reason="legal", note=" ", actor="test", now=NOW)


def test_the_command_closes_and_opens_an_address(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("suppress_everywhere", EMAIL, note="A known spam trap", reason="spam_trap", json=True)
    call_command("suppress_everywhere", EMAIL, note="It was none after all", lift=True, json=True)

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told == [{"suppressed": 1}, {"lifted": 1}]
    for address, note in (("nonsense", "A known spam trap"), (EMAIL, "no")):
        with pytest.raises(CommandError):
            call_command("suppress_everywhere", address, note=note)


def test_the_command_lifts_with_a_note_and_leaves_a_trace(
    tenant: Tenant, message: Message, capsys: pytest.CaptureFixture[str]
) -> None:
    forbid(message.campaign, message.contact)
    who = str(message.contact.external_id)

    with pytest.raises(CommandError, match="Say why"):
        call_command("suppress", who, tenant=tenant.slug, lift=True)
    call_command("suppress", who, tenant=tenant.slug, lift=True, note="She asked for it at the counter.", json=True)

    assert json.loads(capsys.readouterr().out) == {"lifted": 1}
    assert AuditEntry.objects.for_tenant(tenant).get(action="suppression.lifted").data["channel"] == "all"
    send_due(tenant, now=NOW)
    assert outcome(message)[0] == "handed_over"


def test_the_api_cannot_lift(tenant: Tenant, message: Message, client: Client) -> None:
    forbid(message.campaign, message.contact)
    key = create_key(tenant, name="test", now=NOW)[1]
    paths = client.get("/api/openapi.json").json()["paths"]

    assert [path for path in paths if "lift" in path] == []
    for method in (client.delete, client.post, client.put, client.patch):
        answer = method("/api/contacts/suppress", {"contact": message.contact.external_id, "lift": True},
                        content_type="application/json", headers={"Authorization": f"Bearer {key}"})  # fmt: skip
        assert answer.status_code in (200, 405)
    assert Suppression.objects.for_tenant(tenant).filter(lifted_at=None).exists()


def test_the_platforms_page_is_for_its_staff(client: Client, db: None) -> None:
    boss = User.objects.create_superuser(username="boss", email="boss@example.com", password="x")
    client.force_login(boss)
    form = {"address": EMAIL, "channel": "all", "reason": "legal", "note": "Order 7/26 of the court"}

    client.post("/console/campaigns/platformsuppression/add/", form)
    row = PlatformSuppression.objects.get()
    client.post(f"/console/campaigns/platformsuppression/{row.pk}/lift/", {"note": "The order was lifted."})

    row.refresh_from_db()
    assert row.lifted_note == "The order was lifted."
