"""Files that were brought and are not imported: somebody is to say what their columns are, or no worker has begun."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from campaigns.audience import uploading
from tenants.accounts.models import Tenant
from tenants.journal.models import Task
from winback.console import formatting
from winback.console.columns import address_of
from winback.console.components import Attention

LATE_AFTER = timedelta(minutes=10)
"""A worker begins within seconds; so long it may be busy with another file."""
_MOST = 5


def files(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    """In one look, since the number beside Home is on every page."""
    late = (now - LATE_AFTER).astimezone(UTC).isoformat()
    unnamed = Q(kind=uploading.WAITS, created_at__gt=now - uploading.ANSWERED_WITHIN)
    not_begun = Q(kind=uploading.TASK, arguments__said_at__lt=late)
    rows = Task.objects.for_tenant(tenant).filter(
        unnamed | not_begun, state=Task.State.QUEUED, created_at__gt=now - uploading.WORKED_WITHIN
    )
    # The file itself lies in the arguments: not for a list.
    for task in rows.defer("arguments").order_by("-created_at", "-pk")[:_MOST]:
        yield _waits(task, tenant) if task.kind == uploading.WAITS else _has_not_begun(task)


def _waits(task: Task, tenant: Tenant) -> Attention:
    until = formatting.moment(task.created_at + uploading.ANSWERED_WITHIN, tenant.timezone)
    return Attention(
        "todo",
        f"{task.title} waits for you",
        f"Nothing is imported before you say what its columns are. It is kept until {until}.",
        "Say what they are",
        reverse("admin:tenants_task_columns", args=[task.pk]),
        task.created_at,
    )


def _has_not_begun(task: Task) -> Attention:
    return Attention(
        "broken",
        f"{task.title} has not begun",
        "Its columns are said, and no worker has taken it up. Is manage.py serve running?",
        "See the task",
        address_of(task),
        task.created_at,
    )
