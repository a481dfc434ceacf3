"""Regular work that is done tenant by tenant goes in rounds, which the workers share and take up where they stopped.

A round's place is a row in PostgreSQL: a worker that dies, or that lets others go first, is followed by whoever comes
next, and no tenant late in the order waits for those before it to be done again.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from campaigns.operating.models import ScheduledTask
from tenants.accounts.models import Tenant


def begin(code: str, *, now: datetime) -> None:
    """A new round, unless one is under way: that one goes on."""
    # The schedule makes the rows; work that is begun by hand may come before it.
    ScheduledTask.objects.get_or_create(code=code, defaults={"every_seconds": 300, "next_due_at": now})
    with transaction.atomic():
        task = _locked(code)
        if not _ahead(task).exists():
            ScheduledTask.objects.filter(pk=code).update(after_tenant=0)


def next_tenant(code: str) -> Tenant | None:
    """The next tenant of the round, which nobody else gets; None at its end."""
    with transaction.atomic():
        task = _locked(code)
        tenant = _ahead(task).first()
        if tenant is not None:
            ScheduledTask.objects.filter(pk=code).update(after_tenant=tenant.pk)
    return tenant


def _ahead(task: ScheduledTask) -> QuerySet[Tenant]:
    return Tenant.objects.filter(state=Tenant.State.ACTIVE, pk__gt=task.after_tenant).order_by("pk")


def _locked(code: str) -> ScheduledTask:
    return ScheduledTask.objects.select_for_update().get(pk=code)
