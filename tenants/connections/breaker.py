"""The circuit breaker of a connection: paused by trouble, asked again less and less often, then on trial.

active → paused (trouble) → trying (it answers a probe: a few messages go first) → active (they went) or paused again.
Each trouble in a row doubles the time to the next question, from two minutes to an hour; what the provider asked for
itself (Retry-After) is waited for at least, up to a day.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from winback.tenancy import acting_for

FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=1)
LONGEST_ASKED_FOR = timedelta(days=1)
TRIAL_SIZE = 5
TRIAL_LASTS = timedelta(minutes=10)
"""After so long a trial that nobody ended (its worker died) begins anew."""
State = Connection.State


def pause(connection: Connection, *, reason: str, now: datetime, retry_after_seconds: float | None = None) -> bool:
    """Stop using a connection because of its own trouble, until it answers a probe; False when it was not in use."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk, state__in=Connection.IN_USE)
    before = rows.values_list("failures", flat=True).first()
    if before is None:
        return False
    failures = before + 1
    return bool(
        rows.update(
            state=State.PAUSED,
            paused_reason=reason[:300],
            paused_at=now,
            failures=failures,
            retry_at=now + wait_after(failures, retry_after_seconds),
            trial_left=0,
            trial_until=None,
        )
    )


def wait_after(failures: int, retry_after_seconds: float | None = None) -> timedelta:
    """How long to wait before asking again, after so many troubles in a row."""
    wait = min(FIRST_WAIT * (1 << min(failures - 1, 10)), LONGEST_WAIT)
    asked_for = timedelta(seconds=min(retry_after_seconds or 0, LONGEST_ASKED_FOR.total_seconds()))
    return max(wait, asked_for)


def due(tenant: Tenant, *, now: datetime) -> list[Connection]:
    """The paused connections that are to be asked again now."""
    rows = Connection.objects.for_tenant(tenant).filter(Q(retry_at=None) | Q(retry_at__lte=now), state=State.PAUSED)
    return list(rows.select_related("tenant").order_by("priority", "id"))


def answered(connection: Connection, *, now: datetime) -> bool:
    """A paused connection answers its probe again: a few messages go first."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk, state=State.PAUSED)
    return bool(
        rows.update(
            state=State.TRYING,
            paused_reason="",
            paused_at=None,
            retry_at=None,
            trial_left=TRIAL_SIZE,
            trial_until=now + TRIAL_LASTS,
        )
    )


def silent(connection: Connection, *, reason: str, now: datetime) -> bool:
    """A paused connection does not answer yet: ask again, later than before."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk, state=State.PAUSED)
    failures = connection.failures + 1
    return bool(rows.update(paused_reason=reason[:300], failures=failures, retry_at=now + wait_after(failures)))


def take_trial(connection: Connection, wanted: int, *, now: datetime) -> int:
    """How many of these may go through a connection on trial; all of them once it is in use. Opens its own scope."""
    with acting_for(connection.tenant_id):
        rows = Connection.objects.for_tenant(connection.tenant_id).select_for_update()
        row: Connection = rows.get(pk=connection.pk)
        connection.state = row.state
        if row.state != State.TRYING:
            return wanted if row.state == State.ACTIVE else 0
        left = row.trial_left
        if row.trial_until is None or row.trial_until <= now:
            left = TRIAL_SIZE
            row.trial_until = now + TRIAL_LASTS
        taken = min(wanted, left)
        row.trial_left = left - taken
        row.save(update_fields=["trial_left", "trial_until"])
    return taken


def passed(connection: Connection) -> None:
    """Messages went through it: a trial is over, and trouble is forgotten. Costs nothing where there was none."""
    if connection.state == State.ACTIVE and not connection.failures:
        return
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk, state__in=Connection.IN_USE)
    if rows.update(state=State.ACTIVE, failures=0, trial_left=0, trial_until=None):
        connection.state = State.ACTIVE
        connection.failures = 0
