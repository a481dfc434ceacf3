"""Probes answer ready, degraded or missing, with dated evidence; stale evidence counts as missing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tenants.accounts.models import Tenant
from tenants.connections import probing
from tenants.connections.breaker import pause
from tenants.connections.connecting import connect, disable
from tenants.connections.evidence import note_data
from tenants.connections.models import CapabilityEvidence, Connection
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.handing import ProbeResult
from winback.tenancy import acting_for


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    """No sandbox: judged like a real business."""
    tenant.sandbox = False
    tenant.save()
    return tenant


def state(tenant: Tenant, capability: str, now: datetime) -> tuple[str, str]:
    finding = probing.refresh(tenant, [capability], now=now)[capability]
    evidence = CapabilityEvidence.objects.for_tenant(tenant).get(capability=capability)
    assert (evidence.state, evidence.code, evidence.checked_at) == (finding.state, finding.code, now)
    return finding.state, finding.code


def test_crm_needs_contacts_and_jobs(shop: Tenant, now: datetime) -> None:
    assert state(shop, "crm", now) == ("missing", "no_contacts")
    note_data(shop, "contacts", rows=3, newest_at=None, now=now)
    assert state(shop, "crm", now) == ("missing", "no_jobs")
    note_data(shop, "jobs", rows=3, newest_at=now, now=now)
    assert state(shop, "crm", now) == ("ready", "")


@pytest.mark.parametrize(
    ("age_in_days", "expected"),
    [(45, ("ready", "")), (46, ("degraded", "jobs_ageing")), (91, ("missing", "jobs_stale"))],
)
def test_crm_is_judged_by_the_newest_job(
    shop: Tenant, now: datetime, age_in_days: int, expected: tuple[str, str]
) -> None:
    note_data(shop, "contacts", rows=3, newest_at=None, now=now)
    note_data(shop, "jobs", rows=3, newest_at=now - timedelta(days=age_in_days), now=now)

    assert state(shop, "crm", now) == expected


def test_a_sandbox_is_not_judged_by_age(tenant: Tenant, now: datetime) -> None:
    note_data(tenant, "contacts", rows=3, newest_at=None, now=now)
    note_data(tenant, "jobs", rows=3, newest_at=now - timedelta(days=5_000), now=now)

    assert state(tenant, "crm", now) == ("ready", "")


def test_a_channel_needs_a_connection(shop: Tenant, now: datetime) -> None:
    assert state(shop, "sms", now) == ("missing", "not_connected")


def test_the_local_outbox_counts_in_a_sandbox_and_says_so(tenant: Tenant, now: datetime) -> None:
    connect(tenant, kind="email", provider="local", now=now, actor="a")

    finding = probing.refresh(tenant, ["email"], now=now)["email"]

    assert finding.state == "ready"
    assert "sandbox" in finding.detail


def test_the_local_outbox_does_not_count_for_a_real_business(shop: Tenant, now: datetime) -> None:
    connect(shop, kind="email", provider="local", now=now, actor="a")

    assert state(shop, "email", now) == ("missing", "local_outbox")


def test_a_provider_that_answers_is_ready_and_one_that_stops_is_degraded_for_a_day(shop: Tenant, now: datetime) -> None:
    connect(shop, kind="email", provider="fake", label="main", now=now, actor="a")
    assert state(shop, "email", now) == ("ready", "")

    connect(shop, kind="email", provider="fake", label="main", options={"fail": "trouble"}, now=now, actor="a")

    assert state(shop, "email", now + timedelta(hours=1)) == ("degraded", "not_answering")
    assert state(shop, "email", now + timedelta(hours=2)) == ("missing", "not_answering")


def test_a_paused_connection_says_why(shop: Tenant, now: datetime) -> None:
    connection = connect(shop, kind="email", provider="fake", now=now, actor="a", options={"fail": "trouble"})
    pause(connection, reason="The password was refused.", now=now)

    finding = probing.refresh(shop, ["email"], now=now)["email"]

    assert (finding.state, finding.code, finding.detail) == ("missing", "paused", "The password was refused.")


def test_stale_evidence_counts_as_missing(shop: Tenant, now: datetime) -> None:
    connect(shop, kind="email", provider="fake", now=now, actor="a")
    probing.refresh(shop, now=now)

    assert probing.findings(shop, now=now + timedelta(hours=24))["email"].state == "ready"
    late = probing.findings(shop, now=now + timedelta(hours=25))["email"]
    assert (late.state, late.code) == ("missing", "not_verified")


def test_a_web_request_asks_no_provider(shop: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise AssertionError("asked")

    connect(shop, kind="email", provider="fake", now=now, actor="a")
    monkeypatch.setattr(probing, "open_provider", refuse)

    assert probing.findings(shop, now=now)["email"].code == "not_verified"


def test_one_tenants_connection_is_not_anothers(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    mine, other = two_tenants
    with acting_for(mine.pk):
        connect(mine, kind="sms", provider="local", now=now, actor="a")

    assert probing.refresh(mine, ["sms"], now=now)["sms"].state == "ready"
    assert probing.refresh(other, ["sms"], now=now)["sms"].code == "not_connected"


def test_a_connection_paused_by_its_own_trouble_is_tried_again_when_it_answers(tenant: Tenant, now: datetime) -> None:
    connection = connect(
        tenant, kind="email", provider="fake", now=now, actor="test", options={"fail": "misconfigured"}
    )
    pause(connection, reason="the password was refused", now=now)

    assert probing.refresh(tenant, ["email"], now=now + timedelta(minutes=2))["email"].code == "paused"

    Connection.objects.update(settings={})
    assert probing.refresh(tenant, ["email"], now=now + timedelta(minutes=6))["email"].state == "ready"
    connection.refresh_from_db()
    assert (connection.state, connection.paused_reason) == (Connection.State.TRYING, "")


def test_a_connection_that_a_person_disabled_stays_so(tenant: Tenant, now: datetime) -> None:
    connection = connect(tenant, kind="email", provider="fake", now=now, actor="test")
    disable(connection, now=now, actor="a")

    assert probing.refresh(tenant, ["email"], now=now)["email"].code == "not_connected"
    connection.refresh_from_db()
    assert connection.state == Connection.State.DISABLED


def test_a_connection_that_a_person_disables_while_it_is_asked_stays_so(
    tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(tenant, kind="email", provider="fake", now=now, actor="test")
    pause(connection, reason="the password was refused", now=now)
    probe = FakeEmailProvider.probe

    def asked(self: FakeEmailProvider) -> ProbeResult:
        disable(connection, now=now, actor="a")
        return probe(self)

    monkeypatch.setattr(FakeEmailProvider, "probe", asked)
    probing.refresh(tenant, ["email"], now=now, by_hand=True)

    connection.refresh_from_db()
    assert connection.state == Connection.State.DISABLED
