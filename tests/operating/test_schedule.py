"""The regular work: what is due is taken once, whoever looks and however often."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import django_rq
import pytest
from pytest_django import Settings
from rq import Queue

from campaigns.operating import jobs, schedule
from campaigns.operating.models import ScheduledTask
from tenants.accounts.models import Tenant
from tests import factories
from tests.at_once import at_once
from winback.tenancy import acting_for_all


@pytest.fixture
def queue() -> Iterator[Queue]:
    waiting = django_rq.get_queue("default")
    waiting.connection.flushdb()
    yield waiting
    waiting.connection.flushdb()


@pytest.mark.django_db(transaction=True)
def test_the_first_tick_starts_everything_and_the_next_one_nothing(queue: Queue, now: datetime) -> None:
    assert set(schedule.tick(now=now)) == {regular.code for regular in schedule.REGULAR}
    assert schedule.tick(now=now + timedelta(seconds=1)) == []
    assert queue.count == len(schedule.REGULAR)


@pytest.mark.django_db(transaction=True)
def test_a_task_is_due_again_after_its_interval(queue: Queue, now: datetime) -> None:
    schedule.tick(now=now)

    started = schedule.tick(now=now + timedelta(minutes=1))

    assert set(started) == {"apply", "send", "webhooks", "recover"}


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_take_each_task_once(queue: Queue, now: datetime) -> None:
    schedule.tick(now=now)
    later = now + timedelta(hours=2)

    one, other = at_once(*[lambda: schedule.tick(now=later)] * 2)

    assert sorted([*one, *other]) == sorted(
        {
            "apply",
            "send",
            "webhooks",
            "recover",
            "connections",
            "plan",
            "attribute",
            "scan",
            "activations",
            "reputation",
            "bounces",
            "erasures",
        }
    )


@pytest.mark.django_db(transaction=True)
def test_a_clock_set_back_a_little_starts_nothing_early(queue: Queue, now: datetime) -> None:
    schedule.tick(now=now)

    assert schedule.tick(now=now - timedelta(seconds=1)) == []


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_was_a_year_ahead_does_not_stop_the_work_for_a_year(queue: Queue, now: datetime) -> None:
    schedule.tick(now=now + timedelta(days=365))

    assert set(schedule.tick(now=now)) == {regular.code for regular in schedule.REGULAR}
    assert schedule.tick(now=now + timedelta(seconds=1)) == []
    assert "send" in schedule.tick(now=now + timedelta(seconds=21))


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_down_loses_one_round_and_not_the_work(queue: Queue, now: datetime, settings: Settings) -> None:
    answers = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    schedule.tick(now=now)
    assert queue.count == 0
    settings.REDIS_URL = answers

    started = schedule.tick(now=now + timedelta(seconds=20))
    assert "send" in started
    assert queue.count == len(started)


@pytest.mark.django_db(transaction=True)
def test_a_failing_tenant_is_named_and_the_others_are_served(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    with acting_for_all("test set-up"):
        broken, well = factories.make_tenant(), factories.make_tenant()
    ScheduledTask.objects.create(code="plan", every_seconds=300, next_due_at=now)
    served = []

    def plan(tenant: Tenant, _now: datetime) -> None:
        if tenant == broken:
            raise RuntimeError("Out of luck\nwith somebody's address below")
        served.append(tenant)

    monkeypatch.setitem(jobs._PER_TENANT, "plan", plan)

    jobs.run_regular(code="plan")

    task = ScheduledTask.objects.get(code="plan")
    assert served == [well]
    assert task.last_finished_at is not None
    assert task.last_error == f"tenant {broken.slug}: RuntimeError: Out of luck"


@pytest.mark.django_db(transaction=True)
def test_a_failing_scan_is_not_called_finished(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    ScheduledTask.objects.create(code="scan", every_seconds=3600, next_due_at=now)

    def scan(_now: datetime) -> None:
        raise RuntimeError("Out of luck")

    monkeypatch.setitem(jobs._OVER_ALL, "scan", scan)

    with pytest.raises(RuntimeError):
        jobs.run_regular(code="scan")

    task = ScheduledTask.objects.get(code="scan")
    assert (task.last_finished_at, task.last_error) == (None, "RuntimeError: Out of luck")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [regular.code for regular in schedule.REGULAR])
def test_every_piece_of_regular_work_runs(code: str, now: datetime) -> None:
    with acting_for_all("test set-up"):
        factories.make_tenant()
    ScheduledTask.objects.create(code=code, every_seconds=60, next_due_at=now)

    jobs.run_regular(code=code)

    task = ScheduledTask.objects.get(code=code)
    assert task.last_finished_at is not None
    assert task.last_error == ""
