"""Regular work by tenant: a round is shared by the workers, lets others go first, and goes on where it stopped."""

from collections.abc import Callable
from datetime import datetime

import pytest

from campaigns.operating import jobs, rounds
from campaigns.operating.models import ScheduledTask
from tenants.accounts.models import Tenant
from tests import factories
from tests.factories import NOW
from winback.tenancy import acting_for_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenants() -> list[Tenant]:
    with acting_for_all("test set-up"):
        return [factories.make_tenant() for _ in range(3)]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Tenant]:
    """Whom the work came to."""
    found: list[Tenant] = []
    monkeypatch.setitem(jobs._PER_TENANT, "plan", lambda tenant, _now: found.append(tenant))
    return found


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What stands in line again."""
    found: list[Callable[[], None]] = []

    def enqueue(job: Callable[..., None], *, unique: str, **ids: object) -> None:
        found.append(lambda: job(**ids))

    monkeypatch.setattr(jobs, "enqueue", enqueue)
    return found


def finished() -> datetime | None:
    return ScheduledTask.objects.get(code="plan").last_finished_at


def test_after_its_share_of_time_it_lets_others_go_first_and_then_goes_on(
    tenants: list[Tenant], served: list[Tenant], waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0)

    jobs.run_regular(code="plan")
    assert (served, finished()) == (tenants[:1], None)

    while waiting:
        waiting.pop()()
    assert served == tenants
    assert finished() is not None


def test_a_round_that_a_dead_worker_left_is_taken_up_where_it_stood(
    tenants: list[Tenant], served: list[Tenant], waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0)
    jobs.run_regular(code="plan")
    waiting.clear()
    monkeypatch.setattr(jobs, "TURN_SECONDS", 60)

    jobs.run_regular(code="plan")
    assert served == tenants

    jobs.run_regular(code="plan")
    assert served == tenants * 2


def test_two_workers_share_a_round(tenants: list[Tenant]) -> None:
    rounds.begin("plan", now=NOW)
    first = rounds.next_tenant("plan")
    rounds.begin("plan", now=NOW)  # the schedule came round again meanwhile

    assert [first, rounds.next_tenant("plan"), rounds.next_tenant("plan")] == tenants
    assert rounds.next_tenant("plan") is None


def test_a_failure_is_told_at_the_end_of_the_round_that_it_was_in(
    tenants: list[Tenant], waiting: list[Callable[[], None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(tenant: Tenant, _now: datetime) -> None:
        if tenant == tenants[0]:
            raise RuntimeError("Out of luck")

    monkeypatch.setitem(jobs._PER_TENANT, "plan", plan)
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0)

    jobs.run_regular(code="plan")
    while waiting:
        waiting.pop()()

    assert ScheduledTask.objects.get(code="plan").last_error == f"tenant {tenants[0].slug}: RuntimeError: Out of luck"
