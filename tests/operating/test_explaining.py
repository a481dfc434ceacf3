"""Why a contact is or is not written to: over the command and the API, the same answer."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.audience.models import Suppression
from campaigns.audience.suppressing import suppress
from campaigns.delivery.sending import send_due
from campaigns.operating.explaining import explain
from campaigns.planning.models import Campaign, Enrolment, Message
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW


def test_a_message_that_waits_is_what_comes_next(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))

    answer = explain(tenant, message.contact, now=NOW)

    assert (answer["dormant"], answer["reasons"]) == (True, [])
    assert answer["next"]["what"] == "message"
    assert answer["writable"]["email"]["allowed"]
    assert answer["writable"]["sms"]["reasons"] == ["no_phone", "no_sms_consent"]
    assert answer["episode"]["cohort_months"] == 6


def test_every_reason_is_named_not_only_the_first(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant), email="", email_key=None, phone_hmac="b" * 64)
    suppress(tenant, channel="sms", contact=message.contact, reason="stop", source="text", now=NOW)

    answer = explain(tenant, message.contact, now=NOW)

    assert answer["writable"]["email"]["reasons"] == ["no_email"]
    assert answer["writable"]["sms"]["reasons"] == ["suppressed", "no_phone", "no_sms_consent"]


def test_quiet_hours_and_a_full_cap_say_until_when(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, settings={"frequency_cap_touches": 1}))
    send_due(tenant, now=NOW)

    night = explain(tenant, message.contact, now=NOW.replace(hour=6))["writable"]["email"]
    after = explain(tenant, message.contact, now=NOW + DAY)["writable"]["email"]

    assert night["not_before"] == NOW.replace(hour=13).isoformat()
    assert after["household_cap_reached_since"] == NOW.isoformat()


@pytest.mark.parametrize(
    ("days", "state", "reason"),
    [(100, "ended", "enrolled_recently"), (200, "ended", "waits_for_enrolment"), (200, "active", "enrolled_recently")],
)
def test_an_earlier_enrolment_bars_another_only_as_long_as_enrolling_has_it(
    tenant: Tenant, days: int, state: str, reason: str
) -> None:
    message = make_due(make_sender(tenant))
    Enrolment.objects.for_tenant(tenant).update(
        state=state, enrolled_at=NOW - days * DAY, ended_at=NOW if state == "ended" else None,
        ended_by="business" if state == "ended" else "",
    )  # fmt: skip
    DormancyEpisode.objects.for_tenant(tenant).update(state="closed", closed_at=NOW, closed_by="business")
    factories.make_episode(message.contact, lapsed_from=NOW - 199 * DAY, opened_at=NOW)

    assert explain(tenant, message.contact, now=NOW)["reasons"] == [reason]


def test_where_no_campaign_runs_nobody_waits_for_one(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    Message.objects.for_tenant(tenant).delete()
    Enrolment.objects.for_tenant(tenant).delete()
    assert explain(tenant, message.contact, now=NOW)["reasons"] == ["waits_for_enrolment"]

    Campaign.objects.for_tenant(tenant).update(state="paused")

    assert explain(tenant, message.contact, now=NOW)["reasons"] == ["no_campaign"]


def test_a_held_out_contact_says_so(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant), arm=Arm.HELD_OUT)

    assert explain(tenant, message.contact, now=NOW)["reasons"] == ["held_out"]


def test_before_any_campaign_the_modules_defaults_hold(tenant: Tenant) -> None:
    contact = factories.make_contact(tenant)

    answer = explain(tenant, contact, now=NOW)

    assert (answer["dormant"], answer["reasons"]) == (False, ["not_scanned_yet"])
    assert answer["writable"]["email"]["allowed"]


def test_the_command_finds_by_id_mail_or_phone_and_asks_for_another_when_there_is_none(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    message = make_due(make_sender(tenant), phone="+13125550101", phone_key="+13125550101")
    contact = message.contact

    for name in (contact.external_id, contact.email.upper(), "(312) 555-0101"):
        call_command("explain", name, tenant=tenant.slug, as_of=NOW.isoformat(), json=True)
        answer = json.loads(capsys.readouterr().out)
        assert answer["contact"] == contact.external_id
        assert set(answer) >= {"dormant", "writable", "next", "reasons"}
    call_command("explain", contact.email, tenant=tenant.slug, as_of=NOW.isoformat())
    assert "may be written to" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no contact"):
        call_command("explain", "nobody@example.com", tenant=tenant.slug)


@pytest.fixture
def key(tenant: Tenant) -> str:
    return create_key(tenant, name="test", now=NOW)[1]


def call(client: Client, key: str, address: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    if body is None:
        return client.get(address, headers=headers)
    return client.post(address, json.dumps(body), content_type="application/json", headers=headers)


def test_the_api_explains_and_suppresses(tenant: Tenant, client: Client, key: str) -> None:
    message = make_due(make_sender(tenant), email_hmac="a" * 64)
    name = message.contact.external_id

    explained = call(client, key, f"/api/contacts/explain?contact={name}")
    stopped = call(client, key, "/api/contacts/suppress", {"contact": name})
    again = call(client, key, "/api/contacts/suppress", {"contact": name})

    assert explained.json()["dormant"] is True
    assert (stopped.json(), again.json()) == ({"suppressed": True}, {"suppressed": False})
    assert Suppression.objects.get().channel == "all"
    assert Enrolment.objects.get().state == "ended"
    assert Message.objects.get().state == "cancelled"
    assert call(client, key, "/api/contacts/explain?contact=nobody").json()["code"] == "contact_not_found"


def test_another_tenants_contact_is_as_unknown_as_nobody(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours, theirs = two_tenants
    stranger = make_due(make_sender(theirs)).contact
    _, key = create_key(ours, name="test", now=NOW)

    answer = call(client, key, f"/api/contacts/explain?contact={stranger.external_id}")

    assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")


def test_a_key_without_the_scope_is_refused(tenant: Tenant, client: Client) -> None:
    _, key = create_key(tenant, name="results", now=NOW, scopes=["results:read"])

    assert call(client, key, "/api/contacts/explain?contact=x").status_code == 403
    assert call(client, key, "/api/campaigns").status_code == 403


def test_the_suppress_command_stops_everything_at_once(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    message = make_due(make_sender(tenant), email_hmac="a" * 64)

    call_command("suppress", message.contact.email, tenant=tenant.slug, reason="asked_by_phone", json=True)

    assert json.loads(capsys.readouterr().out) == {"suppressed": True}
    message.refresh_from_db()
    assert message.state == "cancelled"


def test_campaigns_are_paused_and_resumed_over_api_and_command(
    tenant: Tenant, client: Client, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign = make_sender(tenant)

    paused = call(client, key, f"/api/campaigns/{campaign.code}/pause", {"reason": "a quiet week"})
    assert (paused.json()["state"], paused.json()["state_reason"]) == ("paused", "a quiet week")
    assert call(client, key, "/api/campaigns").json()["campaigns"][0]["state"] == "paused"

    call_command("campaigns", tenant=tenant.slug, resume=campaign.code, json=True)
    assert json.loads(capsys.readouterr().out) == {campaign.code: {"state": "running", "reason": ""}}
    assert call(client, key, "/api/campaigns/none/resume", {}).json()["code"] == "campaign_not_found"
