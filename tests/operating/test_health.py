"""/healthz, /readyz and /metrics: alive, ready, keeping up."""

import re
from datetime import datetime, timedelta

import pytest
import redis
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from campaigns.operating import health, metrics
from campaigns.operating.models import ScheduledTask
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories

SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"\})? -?[0-9.e+]+')


def samples(text: str) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    }


def test_alive_without_asking_any_server(client: Client) -> None:
    # No database fixture: a query would fail this test.
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_both_servers_answer_and_nothing_is_late(client: Client) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "database": {"ok": True, "detail": "answers"},
        "queue": {"ok": True, "detail": "answers"},
        "last_scan": {"ok": True, "detail": "not scheduled yet"},
    }


@pytest.mark.django_db
def test_not_ready_without_the_queue(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "get_queue", _unreachable)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["queue"] == {"ok": False, "detail": "does not answer"}
    assert response.json()["database"]["ok"]


@pytest.mark.django_db
def test_not_ready_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "cursor", away)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["database"] == {"ok": False, "detail": "does not answer"}


@pytest.mark.django_db
@pytest.mark.parametrize(("hours", "ok"), [(1, True), (2.9, True), (3.1, False)])
def test_not_ready_when_the_hourly_scan_is_three_hours_old(hours: float, ok: bool, now: datetime) -> None:
    ScheduledTask.objects.create(
        code="scan", every_seconds=3600, next_due_at=now, last_finished_at=now - timedelta(hours=hours)
    )

    assert health.last_scan(now).ok is ok


@pytest.mark.django_db
def test_a_scan_that_never_finished_is_as_old_as_its_start(now: datetime) -> None:
    ScheduledTask.objects.create(code="scan", every_seconds=3600, next_due_at=now, last_started_at=now)

    assert health.last_scan(now).ok
    assert not health.last_scan(now + timedelta(hours=4)).ok


def test_metrics_count_the_messages_of_every_tenant_and_what_waits(
    two_tenants: tuple[Tenant, Tenant], now: datetime
) -> None:
    for tenant, waited in zip(two_tenants, (90, 30), strict=True):
        episode = factories.make_episode(factories.make_contact(tenant))
        enrolment = factories.make_enrolment(episode, factories.make_campaign(tenant))
        factories.make_message(enrolment, state=Message.State.PLANNED, due_at=now - timedelta(seconds=waited))

    found = samples(metrics.text(now=now))

    assert found['winback_messages{state="planned"}'] == 2
    assert found['winback_messages{state="unknown"}'] == 0
    assert found["winback_due_messages"] == 2
    assert found["winback_due_oldest_seconds"] == 90


@pytest.mark.django_db
def test_metrics_tell_which_regular_work_is_late_or_failed(now: datetime) -> None:
    ScheduledTask.objects.create(
        code="plan", every_seconds=300, next_due_at=now, last_finished_at=now - timedelta(hours=1), last_error="broken"
    )

    found = samples(metrics.text(now=now))

    assert found['winback_task_age_seconds{task="plan"}'] == 3600
    assert found['winback_task_interval_seconds{task="plan"}'] == 300
    assert found['winback_task_failed{task="plan"}'] == 1


@pytest.mark.django_db
def test_metrics_survive_a_queue_that_is_away(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "get_queue", _unreachable)

    assert samples(metrics.text(now=now))["winback_queue_up"] == 0


def _unreachable(name: str) -> None:
    raise redis.ConnectionError(name)


@pytest.mark.django_db
def test_metrics_are_in_the_text_format_of_prometheus(client: Client) -> None:
    cache.clear()

    response = client.get("/metrics")

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in response.content.decode().splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or SAMPLE.fullmatch(line), line


@pytest.mark.django_db
def test_metrics_ask_for_the_token_that_is_set(client: Client, settings: Settings) -> None:
    cache.clear()
    settings.WINBACK_METRICS_TOKEN = "s3cret"

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
def test_nothing_is_changed_by_asking(address: str, client: Client) -> None:
    assert client.post(address).status_code == 405
