"""What a person said, recorded over the command and the API: with words and evidence, by the rules of the console."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Consent, Contact
from campaigns.operating.explaining import explain
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tests import factories
from tests.delivery.making import make_sender

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def contact(tenant: Tenant) -> Contact:
    return factories.make_contact(tenant, external_id="c1", country="DE")


def body(**fields: Any) -> dict[str, Any]:
    whole = {
        "contact": "c1", "purpose": "tracking", "state": "given", "stated_at": (NOW - HOUR).isoformat(),
        "source": "web form", "wording": "You may count what I open.", "evidence": {"ip": "192.0.2.7"},
    }  # fmt: skip
    return whole | fields


def post(client: Client, tenant: Tenant, fields: dict[str, Any], *, scopes: list[str] | None = None) -> Any:
    key = (
        create_key(tenant, name="test", now=NOW, scopes=scopes)[1]
        if scopes
        else create_key(tenant, name="test", now=NOW)[1]
    )
    return client.post(
        "/api/contacts/consent", json.dumps(fields), content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )  # fmt: skip


def test_the_api_keeps_what_was_said_with_its_proof(tenant: Tenant, contact: Contact, client: Client) -> None:
    answered = post(client, tenant, body())

    assert answered.status_code == 200
    kept = Consent.objects.for_tenant(tenant).get(pk=answered.json()["consent"])
    assert (kept.contact_id, kept.channel, kept.purpose, kept.state) == (contact.pk, "email", "tracking", "given")
    assert (kept.wording, kept.source, kept.stated_at) == ("You may count what I open.", "web form", NOW - HOUR)
    assert kept.evidence == {"ip": "192.0.2.7"}
    assert kept.recorded_by.startswith("API key wb_")
    assert AuditEntry.objects.for_tenant(tenant).get(action="consent.added").subject_id == kept.pk


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"wording": " "}, "wording"),
        ({"stated_at": (NOW + HOUR).isoformat()}, "stated_at"),
        ({"channel": "sms"}, "channel"),
        ({"state": "soft_opt_in"}, "state"),
        ({"source": " "}, "source"),
        ({"purpose": "marketing", "channel": "sms", "state": "inquired"}, "channel"),
    ],
)
def test_what_proves_nothing_is_refused_with_its_field(
    tenant: Tenant, contact: Contact, client: Client, wrong: dict[str, Any], field: str
) -> None:
    answered = post(client, tenant, body(**wrong))

    assert (answered.status_code, answered.json()["code"]) == (422, "consent_not_recorded")
    assert [error["path"] for error in answered.json()["errors"]] == [field]
    assert not Consent.objects.for_tenant(tenant).exists()


@pytest.mark.parametrize(
    "wrong", [{"purpose": "profiling"}, {"state": "yes"}, {"stated_at": "2026-09-30T10:00"}, {"source": ""}]
)
def test_what_is_no_statement_at_all_is_refused(
    tenant: Tenant, contact: Contact, client: Client, wrong: dict[str, Any]
) -> None:
    assert post(client, tenant, body(**wrong)).json()["code"] == "request_invalid"
    assert not Consent.objects.for_tenant(tenant).exists()


def test_an_older_yes_does_not_undo_a_no_of_the_same_purpose_alone(
    tenant: Tenant, contact: Contact, client: Client
) -> None:
    record_consent(contact, "email", "withdrawn", stated_at=NOW, source="phone", now=NOW, actor="test")
    assert post(client, tenant, body()).status_code == 200

    assert post(client, tenant, body(purpose="marketing")).json()["code"] == "consent_not_recorded"


def test_another_business_contact_is_as_unknown_as_nobody(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours, theirs = two_tenants
    factories.make_contact(theirs, external_id="c1")

    assert post(client, ours, body()).json()["code"] == "contact_not_found"
    assert not Consent.objects.exists()


def test_a_key_that_may_only_read_records_nothing(tenant: Tenant, contact: Contact, client: Client) -> None:
    assert post(client, tenant, body(), scopes=["contacts:read"]).json()["code"] == "scope_missing"


def test_the_command_records_a_no_that_explain_then_tells(
    tenant: Tenant, contact: Contact, capsys: pytest.CaptureFixture[str]
) -> None:
    make_sender(tenant)
    before = explain(tenant, contact, now=NOW)["following"]

    call_command(
        "record_consent", "c1", tenant=tenant.slug, purpose="tracking", state="withdrawn", stated_at="2026-09-30",
        source="phone call", as_of=NOW.isoformat(), json=True,
    )  # fmt: skip

    kept = Consent.objects.for_tenant(tenant).get(pk=json.loads(capsys.readouterr().out)["consent"])
    assert (kept.purpose, kept.state, kept.recorded_by) == ("tracking", "withdrawn", "command line")
    assert before == {"allowed": False, "reason": "tracking_not_agreed", "rule": "eprivacy-eu"}
    assert explain(tenant, contact, now=NOW)["following"]["reason"] == "tracking_withdrawn"


def test_the_command_says_what_is_missing(tenant: Tenant, contact: Contact) -> None:
    with pytest.raises(CommandError, match="give the words"):
        call_command(
            "record_consent", "c1", tenant=tenant.slug, state="given", stated_at="2026-09-30", source="phone call",
            as_of=NOW.isoformat(),
        )  # fmt: skip
    with pytest.raises(CommandError, match="no contact"):
        call_command(
            "record_consent", "c2", tenant=tenant.slug, state="withdrawn", stated_at="2026-09-30", source="phone",
            as_of=NOW.isoformat(),
        )  # fmt: skip
    assert not Consent.objects.for_tenant(tenant).exists()
