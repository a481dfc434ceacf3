"""Whether a tenant's plan has something, and how much of it is left. One function decides: ``decide``."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from django.db import connection

from catalog import reading
from catalog.models import Plan
from tenants.accounts.models import Tenant
from tenants.journal.recording import record
from tenants.plans.models import Usage

MONTHLY = frozenset({"campaigns_per_month"})
"""Limits counted by calendar month in the tenant's zone; every other limit is a stock that the caller counts."""

_LOCK = 7_266_003
# One statement, so that two workers at the limit cannot both pass: the second waits for the row and sees the first's.
_RESERVE = """
INSERT INTO tenants_usage (tenant_id, feature, month, amount)
SELECT %(tenant)s, %(feature)s, %(month)s, %(amount)s
 WHERE %(limit)s::bigint IS NULL OR %(amount)s <= %(limit)s
ON CONFLICT (tenant_id, feature, month) DO UPDATE SET amount = tenants_usage.amount + EXCLUDED.amount
 WHERE %(limit)s::bigint IS NULL OR tenants_usage.amount + EXCLUDED.amount <= %(limit)s
RETURNING amount
"""


class UnknownFeature(KeyError):
    """No plan knows this feature: it is misspelt here, or missing in catalog/data/plans."""


@dataclass(frozen=True)
class Decision:
    """The answer, with why not and the numbers that it rests on. ``limit`` None: there is none."""

    feature: str
    allowed: bool
    reason: str = ""
    limit: int | None = None
    used: int = 0


class NotEntitled(RuntimeError):
    """The tenant's plan does not allow this: change the plan, or wait for the next month."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(f"{decision.feature}: {decision.reason} (used {decision.used} of {decision.limit}).")
        self.decision = decision


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    plans = [entry.content for entry in reading.read_entries("plans")]
    limits = frozenset(name for plan in plans for name in plan["limits"])
    return limits, frozenset(name for plan in plans for name in plan["features"])


def decide(
    tenant: Tenant,
    feature: str,
    amount: int = 1,
    *,
    now: datetime,
    used: int | None = None,
    reserve: bool = False,
    note: bool = True,
) -> Decision:
    """Whether the tenant may use ``amount`` of a feature.

    A limit by the month is counted here; ``reserve`` takes the amount in the same statement that checks it. For a
    stock (contacts) the caller says how many there are in ``used``, after ``hold`` where several could count at once.
    A denial goes into the journal with its reason, unless ``note`` is False (for looking, not for asking).
    """
    decision = _decide(tenant, feature, amount, now=now, used=used, reserve=reserve)
    if note and not decision.allowed:
        record(
            "entitlement.denied",
            tenant_id=tenant.pk,
            now=now,
            data={
                "feature": feature,
                "reason": decision.reason,
                "limit": decision.limit,
                "used": decision.used,
                "amount": amount,
            },
        )
    return decision


def require(tenant: Tenant, feature: str, amount: int = 1, *, now: datetime, used: int | None = None) -> Decision:
    """Take the amount, or raise NotEntitled with the reason."""
    decision = decide(tenant, feature, amount, now=now, used=used, reserve=feature in MONTHLY)
    if not decision.allowed:
        raise NotEntitled(decision)
    return decision


def hold(tenant: Tenant, feature: str) -> None:
    """Let nobody else count this stock until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, f"{tenant.pk}:{feature}"])


def _decide(tenant: Tenant, feature: str, amount: int, *, now: datetime, used: int | None, reserve: bool) -> Decision:
    limits, features = _known()
    if feature not in limits and feature not in features:
        raise UnknownFeature(feature)
    if tenant.state != Tenant.State.ACTIVE:
        return Decision(feature, allowed=False, reason="tenant_suspended")
    content = tenant.plan.content
    if feature in features:
        has_it = feature in content.get("features", [])
        return Decision(feature, has_it, "" if has_it else "not_in_plan")
    limit: int | None = content.get("limits", {}).get(feature, 0)
    if feature not in MONTHLY:
        if used is None:
            raise TypeError(f"{feature} is a stock: say how much of it there is in used=.")
        return _compared(feature, used, amount, limit)
    month = month_of(tenant, now)
    if not reserve:
        return _compared(feature, used_in(tenant, feature, month), amount, limit)
    values: dict[str, str | int | date | None] = {"tenant": tenant.pk, "feature": feature, "month": month}
    values |= {"amount": amount, "limit": limit}
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, values)
        row = cursor.fetchone()
    if row is None:
        return Decision(feature, False, "over_limit", limit, used_in(tenant, feature, month))
    return Decision(feature, True, "", limit, int(row[0]))


def _compared(feature: str, used: int, amount: int, limit: int | None) -> Decision:
    allowed = limit is None or used + amount <= limit
    return Decision(feature, allowed, "" if allowed else "over_limit", limit, used)


def month_of(tenant: Tenant, now: datetime) -> date:
    """The first day of the calendar month that it is for the tenant."""
    return now.astimezone(tenant.zone).date().replace(day=1)


def used_in(tenant: Tenant, feature: str, month: date) -> int:
    """How much of a feature the tenant used in a month."""
    used = Usage.objects.for_tenant(tenant).filter(feature=feature, month=month).values_list("amount", flat=True)
    return int(used.first() or 0)


def plans_with(features: Iterable[str], contacts: int = 0) -> list[str]:
    """The codes of the plans that have all of these features and room for so many contacts, the smallest first."""
    wanted = set(features)
    found = []
    for plan in Plan.objects.order_by("position", "code"):
        room: int | None = plan.content.get("limits", {}).get("contacts", 0)
        if wanted <= set(plan.content.get("features", [])) and (room is None or contacts <= room):
            found.append(plan.code)
    return found
