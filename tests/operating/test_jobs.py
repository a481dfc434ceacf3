"""What the workers run: a turn for each tenant, and nobody held up by another's backlog."""

from collections.abc import Iterator

import django_rq
import pytest
from rq import Queue

from campaigns.operating import jobs
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import make_due, make_sender
from winback.tenancy import acting_for_all

pytestmark = [pytest.mark.usefixtures("catalog"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def queue() -> Iterator[Queue]:
    waiting = django_rq.get_queue("default")
    waiting.connection.flushdb()
    yield waiting
    waiting.connection.flushdb()


def waiting_for(queue: Queue) -> list[tuple[int, int]]:
    """The tenant and turn of each job that waits, in order."""
    ids = [job.kwargs["ids"] for job in queue.jobs]
    return [(each["tenant"], each.get("turn", 0)) for each in ids]


def make_busy(messages: int) -> Tenant:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
        campaign = make_sender(tenant)
        for _ in range(messages):
            make_due(campaign)
    return tenant


def test_every_tenant_with_something_due_has_a_job_of_its_own(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    one, idle, other = make_busy(1), make_busy(0), make_busy(1)
    monkeypatch.setattr(jobs.timezone, "now", lambda: factories.NOW)

    jobs.run_regular(code="send")

    assert waiting_for(queue) == [(one.pk, 0), (other.pk, 0)]
    assert idle.pk not in dict(waiting_for(queue))


def test_a_backlog_is_sent_in_shares_with_others_between(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = make_busy(3)
    monkeypatch.setattr(jobs.timezone, "now", lambda: factories.NOW)
    monkeypatch.setattr(jobs, "SHARE", 2)

    jobs.send_tenant(tenant=busy.pk)
    assert waiting_for(queue) == [(busy.pk, 1)]

    jobs.send_tenant(tenant=busy.pk, turn=1)
    assert waiting_for(queue) == [(busy.pk, 1)]  # nothing more: the first is still that of before
