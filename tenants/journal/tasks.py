"""Long background work as staff see it: queued, running with its progress, then done, failed or cancelled.

Every move is one conditional update, so that a late worker cannot overwrite what was decided meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tenants.accounts.models import Tenant
from tenants.journal.models import Task

BROUGHT = "content"
"""Under this name the arguments of a task hold a file that a person brought: never shown, and not kept."""
OPEN = (Task.State.QUEUED, Task.State.RUNNING)


def queue(
    tenant: Tenant,
    kind: str,
    title: str,
    *,
    now: datetime,
    arguments: Mapping[str, Any] | None = None,
    created_by: str = "",
) -> Task:
    """A new task; the caller enqueues the job that will do it."""
    created: Task = Task.objects.create(
        tenant=tenant, kind=kind, title=title, arguments=dict(arguments or {}), created_at=now, created_by=created_by
    )
    return created


def start(task: Task, *, now: datetime, total: int = 0) -> bool:
    """Take up a task; False when somebody else did, or it was cancelled."""
    return _move(task, (Task.State.QUEUED,), state=Task.State.RUNNING, started_at=now, total=total)


def advance(task: Task, done: int) -> bool:
    """Say how far the work is; False tells the worker that it was cancelled and must stop."""
    return _move(task, (Task.State.RUNNING,), done=done)


def expect(task: Task, total: int) -> bool:
    """Say how much there is to do, once it is known."""
    return _move(task, (Task.State.RUNNING,), total=total)


def finish(task: Task, *, now: datetime, result: Mapping[str, Any]) -> bool:
    return _move(task, (Task.State.RUNNING,), state=Task.State.DONE, finished_at=now, result=dict(result))


def fail(task: Task, *, now: datetime, error: str) -> bool:
    return _move(task, OPEN, state=Task.State.FAILED, finished_at=now, error=error)


def cancel(task: Task, *, now: datetime) -> bool:
    """Stop it, and let go of the file that was brought for it: nobody will read that any more."""
    rest = {name: value for name, value in task.arguments.items() if name != BROUGHT}
    return _move(task, OPEN, state=Task.State.CANCELLED, finished_at=now, arguments=rest)


def _move(task: Task, old: tuple[Task.State, ...], **changes: Any) -> bool:
    moved = Task.objects.for_tenant(task.tenant_id).filter(pk=task.pk, state__in=old).update(**changes)
    return bool(moved)
