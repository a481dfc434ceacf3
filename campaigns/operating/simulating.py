"""A stretch of time in fast motion: scan, plan, send and attribute, day by day, on a sandbox tenant.

Every day is the same deeds that the schedule runs, at noon in the tenant's zone. A finished day leaves a row, so a
simulation that was killed goes on where it stopped; the deeds are safe to run twice, so the day it died in is run
again.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max

from campaigns.audience import dormancy
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.delivery import recovering, sending
from campaigns.operating import planning
from campaigns.operating.models import SimulatedDay
from campaigns.planning.models import Enrolment, Message
from campaigns.results import attributing
from tenants.accounts import alone
from tenants.accounts.models import Tenant
from tenants.journal.models import Checkpoint
from winback.tenancy import acting_for

MONEY = frozenset({"revenue"})


class NotASandbox(RuntimeError):
    """Only a sandbox tenant can be simulated: a real one would write to real people."""


class LaterAlready(RuntimeError):
    """The tenant was worked on as of a later day: time does not run backwards in it."""


class NothingKept(Exception):
    """Raised inside the transaction of a dry run to undo it."""


def noon(tenant: Tenant, day: date) -> datetime:
    """12:00 of a day in the tenant's zone: the moment that a bare date means."""
    return datetime.combine(day, time(12), tenant.zone)


def simulate(
    tenant: Tenant,
    *,
    first: date,
    last: date,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Run every day from first to last, both included; returns the keys of contract.md §3 (``days``, ``total``)."""
    if not tenant.sandbox:
        raise NotASandbox(f"{tenant.slug} is not a sandbox: make one with create_tenant --sandbox.")
    with alone.simulation(tenant.pk, tenant.slug):
        with acting_for(tenant.pk):
            _refuse_running_backwards(tenant, first, last)
        if dry_run:
            return _without_keeping(tenant, first, last, progress)
        return _simulate(tenant, first, last, progress)


def _refuse_running_backwards(tenant: Tenant, first: date, last: date) -> None:
    """Raise LaterAlready when anything happened later than the first day that is still to be simulated."""
    finished = set(SimulatedDay.objects.for_tenant(tenant).values_list("day", flat=True))
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    start = next((day for day in days if day not in finished), None)
    latest = _latest_work(tenant)
    if start is None or latest is None or latest <= noon(tenant, start):
        return
    reached = latest.astimezone(tenant.zone).date()
    raise LaterAlready(
        f"{tenant.slug} was already scanned, planned or sent for as of {reached}, which lies after {start}: what was "
        f"decided then cannot be taken back. Simulate from {reached + timedelta(days=1)} on, or make a new sandbox "
        "(create_tenant --sandbox), import the files into it and simulate it before anything else is run, where no "
        "`manage.py serve` works on it."
    )


def _latest_work(tenant: Tenant) -> datetime | None:
    """The latest moment as of which anything was decided for this tenant."""
    asked: tuple[tuple[Any, str], ...] = (
        (Checkpoint, "updated_at"),
        (DormancyEpisode, "opened_at"),
        (DormancyEpisode, "closed_at"),
        (Enrolment, "enrolled_at"),
        (Message, "planned_at"),
        (Message, "handed_over_at"),
    )
    moments = [model.objects.for_tenant(tenant).aggregate(latest=Max(field))["latest"] for model, field in asked]
    return max((moment for moment in moments if moment is not None), default=None)


def _without_keeping(
    tenant: Tenant, first: date, last: date, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    try:
        with transaction.atomic():
            result = _simulate(tenant, first, last, progress, deliver=False)
            raise NothingKept
    except NothingKept:
        return result


def _simulate(
    tenant: Tenant,
    first: date,
    last: date,
    progress: Callable[[int, int], None] | None,
    *,
    deliver: bool = True,
) -> dict[str, Any]:
    days: dict[str, Any] = {}
    number = (last - first).days + 1
    for offset in range(number):
        day = first + timedelta(days=offset)
        days[day.isoformat()] = _simulated_day(tenant, day, deliver=deliver)
        if progress is not None:
            progress(offset + 1, number)
    return {"days": days, "total": _summed(days.values())}


def _simulated_day(tenant: Tenant, day: date, *, deliver: bool) -> dict[str, Any]:
    now = noon(tenant, day)
    with acting_for(tenant.pk):
        finished = SimulatedDay.objects.for_tenant(tenant).filter(day=day).first()
        if finished is not None:
            return dict(finished.result)
        # What an earlier run had claimed when it was killed: the tenant is ours alone, so no lease need run out.
        recovering.recover(tenant.pk, now=now, every_claim=True)
    report = dormancy.scan(now=now, tenant=tenant)[tenant.pk]
    with acting_for(tenant.pk):
        planned = planning.plan(tenant, now=now)
    sent = sending.send_due(tenant, now=now, deliver=deliver)
    with acting_for(tenant.pk):
        attributed = attributing.attribute(tenant, now=now)
        result = {
            "scan": asdict(report),
            "plan": dict(planned),
            "send": dict(sent),
            "attribute": dict(attributed),
        }
        SimulatedDay.objects.create(tenant=tenant, day=day, result=result)
    return result


def _summed(days: Any) -> dict[str, Any]:
    """The sum of every number and amount of money in the days' results, by the same keys."""
    total: dict[str, Any] = {}
    for day in days:
        _add(total, day)
    return total


def _add(total: dict[str, Any], part: Mapping[str, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, Mapping):
            _add(total.setdefault(key, {}), value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            total[key] = total.get(key, 0) + value
        elif key in MONEY:
            total[key] = f"{Decimal(total.get(key, 0)) + Decimal(value):f}"
        else:
            total[key] = value
