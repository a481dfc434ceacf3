"""What the workers run: a turn for each tenant, and nobody held up by another's backlog."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import django_rq
import pytest
from django.core.management import call_command
from django.utils import timezone
from rq import Queue

from campaigns.delivery import sending
from campaigns.operating import jobs
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider
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
    monkeypatch.setattr(timezone, "now", lambda: factories.NOW)

    jobs.run_regular(code="send")

    assert waiting_for(queue) == [(one.pk, 0), (other.pk, 0)]
    assert idle.pk not in dict(waiting_for(queue))


def test_a_backlog_is_sent_in_shares_with_others_between(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = make_busy(3)
    monkeypatch.setattr(timezone, "now", lambda: factories.NOW)
    monkeypatch.setattr(jobs, "SHARE", 2)

    jobs.send_tenant(tenant=busy.pk)
    assert waiting_for(queue) == [(busy.pk, 1)]

    jobs.send_tenant(tenant=busy.pk, turn=1)
    assert waiting_for(queue) == [(busy.pk, 1)]  # nothing more: the first is still that of before


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """19:59 in Chicago, a minute before courteous hours end, and a provider that takes 70 seconds for a message."""
    clock: list[datetime] = [datetime(2026, 10, 1, 0, 59, tzinfo=factories.NOW.tzinfo)]
    seconds = [0.0]
    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    for module in ("delivery.sending", "operating.jobs", "management.commands.send_due"):
        monkeypatch.setattr(f"campaigns.{module}.monotonic", lambda: seconds[0])
    monkeypatch.setattr(sending, "CLAIM_SIZE", 1)
    send = FakeEmailProvider.send

    def slow(self: FakeEmailProvider, mails: Any, witness: Any) -> None:
        send(self, mails, witness)
        seconds[0] += 70
        clock[0] += timedelta(seconds=70)

    monkeypatch.setattr(FakeEmailProvider, "send", slow)


def what_became() -> list[tuple[str, str]]:
    with acting_for_all("look"):
        return sorted(Message.objects.values_list("state", "reason"))


ONE_IN_TIME = [("handed_over", ""), ("postponed", "quiet_hours"), ("postponed", "quiet_hours")]


def test_a_long_turn_ends_so_that_the_next_one_reads_the_clock_again(queue: Queue, evening: None) -> None:
    busy = make_busy(3)

    jobs.send_tenant(tenant=busy.pk)
    assert waiting_for(queue) == [(busy.pk, 1)]
    jobs.send_tenant(tenant=busy.pk, turn=1)

    assert what_became() == ONE_IN_TIME


def test_the_command_reads_the_clock_again_while_it_sends(queue: Queue, evening: None) -> None:
    busy = make_busy(3)

    call_command("send_due", tenant=busy.slug, json=True)

    assert what_became() == ONE_IN_TIME
