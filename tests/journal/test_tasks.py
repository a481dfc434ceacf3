"""A task moves forward only, whoever comes late."""

from datetime import datetime

from tenants.accounts.models import Tenant
from tenants.journal import tasks
from tenants.journal.models import Task


def test_goes_from_queued_to_done_with_its_progress(tenant: Tenant, now: datetime) -> None:
    task = tasks.queue(tenant, "import", "Import of jobs.csv", now=now)

    assert tasks.start(task, now=now, total=100)
    assert tasks.advance(task, 50)
    assert tasks.finish(task, now=now, result={"rows": 100})

    task.refresh_from_db()
    assert (task.state, task.done, task.result) == (Task.State.DONE, 50, {"rows": 100})


def test_is_started_once(tenant: Tenant, now: datetime) -> None:
    task = tasks.queue(tenant, "import", "Import", now=now)

    assert tasks.start(task, now=now)
    assert not tasks.start(task, now=now)


def test_a_cancelled_task_tells_its_worker_to_stop_and_stays_cancelled(tenant: Tenant, now: datetime) -> None:
    task = tasks.queue(tenant, "import", "Import", now=now)
    tasks.start(task, now=now)

    assert tasks.cancel(task, now=now)

    assert not tasks.advance(task, 10)
    assert not tasks.finish(task, now=now, result={})
    assert not tasks.fail(task, now=now, error="late")
    task.refresh_from_db()
    assert task.state == Task.State.CANCELLED
