"""The results of a tenant (contract.md §6): what the command, the API and the console's home show, from one place.

* The period is of assignment: enrolments whose day 0 lies on its days, in the tenant's zone.
* ``reactivated_…`` and ``revenue`` (of treated contacts) count everybody who came back so far. Rates, the lift and the
  incremental revenue count matured enrolments alone, those whose window has closed, by the same rule in both arms:
  ``reactivated_matured_…`` is what stands above the line of a rate.
* ``cost`` is what the messages cost, and for each treated contact that came back after an offer had been made, what
  that offer costs. ``roi`` is (incremental revenue - cost) ÷ cost, both of matured enrolments (``cost_matured``): of
  revenue, not of margin.
* Money in another currency than the tenant's is in ``other_revenue`` and nowhere else.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection

from campaigns.audience.experiment_models import Arm
from campaigns.results import lift
from campaigns.results.lift import Insufficient, Interval
from campaigns.results.reporting_sql import CAMPAIGNS, CLICKS, MESSAGES, OTHER_MONEY, UNITS
from tenants.accounts.models import Tenant
from winback.money import money

DIGITS = 6  # of a share: more would only be noise


class PeriodEndsBeforeItBegins(ValueError):
    """The last day of the period lies before its first: exchange them."""


@dataclass(frozen=True)
class ArmLine:
    """One arm's counts."""

    assigned: int = 0
    returned: int = 0
    revenue: int = 0
    offer_cost: int = 0
    offer_cost_matured: int = 0
    matured: lift.Arm = field(default_factory=lift.Arm)


@dataclass
class Line:
    """One campaign, or the total."""

    arms: dict[str, ArmLine] = field(default_factory=dict)
    messages: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    clicks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("person", "doubtful", "machine"), 0))
    message_cost: int = 0
    message_cost_matured: int = 0
    other_revenue: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def arm(self, arm: str) -> ArmLine:
        return self.arms.get(arm, ArmLine())


def results(tenant: Tenant, *, now: datetime, first: date | None = None, last: date | None = None) -> dict[str, Any]:
    """The report as of ``now`` over enrolments from the first to the last day; inside the tenant's scope.

    A number that the data cannot carry is ``{"state": "insufficient_data", "have": n, "need": n}``.
    """
    if first and last and last < first:
        raise PeriodEndsBeforeItBegins("The last day of the period lies before its first.")
    campaigns, lines = _read(tenant, now=now, first=first, last=last)
    windows = {window for _, _, _, window in campaigns}
    return {
        "period": {"from": first and first.isoformat(), "to": last and last.isoformat(), "as_of": now.isoformat()},
        "window": {"days": windows.pop() if len(windows) == 1 else None},  # None: each campaign has its own
        **_keys(lines[None], tenant.currency),
        "campaigns": [
            {"code": code, "name": name, "window": {"days": window}, **_keys(lines[campaign], tenant.currency)}
            for campaign, code, name, window in campaigns
        ],
    }


def _read(
    tenant: Tenant, *, now: datetime, first: date | None, last: date | None
) -> tuple[list[tuple[int, str, str, int]], dict[int | None, Line]]:
    """The tenant's campaigns, and a line for each and (None) for the total."""
    values: dict[str, Any] = {
        "tenant": tenant.pk,
        "currency": tenant.currency,
        "now": now,
        "from": first and datetime.combine(first, time(0), tenant.zone),
        "until": last and datetime.combine(last + timedelta(days=1), time(0), tenant.zone),
    }
    lines: dict[int | None, Line] = defaultdict(Line)
    with connection.cursor() as cursor:
        cursor.execute(CAMPAIGNS, values)
        campaigns = cursor.fetchall()
        cursor.execute(UNITS, values)
        for campaign, arm, *sums in cursor.fetchall():
            lines[campaign].arms[arm] = _arm_line(sums)
        cursor.execute(OTHER_MONEY, values)
        for campaign, currency, amount in cursor.fetchall():
            for line in (lines[campaign], lines[None]):
                line.other_revenue[currency] += int(amount)
        cursor.execute(MESSAGES, values)
        for campaign, channel, state, number, cost, cost_matured in cursor.fetchall():
            for line in (lines[campaign], lines[None]):
                line.messages[channel][state] += number
                line.message_cost += int(cost)
                line.message_cost_matured += int(cost_matured)
        cursor.execute(CLICKS, values)
        for campaign, confidence, number in cursor.fetchall():
            for line in (lines[campaign], lines[None]):
                line.clicks[confidence] += number
    return campaigns, lines


def _arm_line(sums: Iterable[Any]) -> ArmLine:
    numbers = [int(each) for each in sums]
    assigned, matured, returned, back, revenue, matured_revenue, squares, cubes, offers, matured_offers = numbers
    return ArmLine(
        assigned=assigned,
        returned=returned,
        revenue=revenue,
        offer_cost=offers,
        offer_cost_matured=matured_offers,
        matured=lift.Arm(matured, back, matured_revenue, squares, cubes),
    )


def _keys(line: Line, currency: str) -> dict[str, Any]:
    treated, held_out = line.arm(Arm.TREATED), line.arm(Arm.HELD_OUT)
    cost = line.message_cost + treated.offer_cost
    cost_matured = line.message_cost_matured + treated.offer_cost_matured
    gained = lift.incremental_revenue(treated.matured, held_out.matured)
    per_return: float | Insufficient = treated.revenue / treated.returned if treated.returned else Insufficient(0, 1)
    return {
        "episodes": treated.assigned + held_out.assigned,
        "assigned_treated": treated.assigned,
        "assigned_held_out": held_out.assigned,
        "matured_treated": treated.matured.matured,
        "matured_held_out": held_out.matured.matured,
        "messages": {channel: dict(states) for channel, states in line.messages.items()},
        "clicks": dict(line.clicks),
        "reactivated_treated": treated.returned,
        "reactivated_held_out": held_out.returned,
        "reactivated_matured_treated": treated.matured.returned,
        "reactivated_matured_held_out": held_out.matured.returned,
        "reactivation_rate": _share(lift.rate(treated.matured)),
        "holdout_rate": _share(lift.rate(held_out.matured)),
        "lift": _share(lift.lift(treated.matured, held_out.matured)),
        "revenue": money(treated.revenue, currency),
        "revenue_per_reactivation": _money(per_return, currency),
        "incremental_revenue": _money(gained, currency),
        "cost": money(cost, currency),
        "cost_matured": money(cost_matured, currency),
        "roi": _share(_roi(gained, cost_matured)),
        "currency": currency,
        "other_revenue": {code: money(amount, code) for code, amount in sorted(line.other_revenue.items())},
    }


def _roi(gained: Interval | Insufficient, cost: int) -> float | Insufficient:
    if isinstance(gained, Insufficient):
        return gained
    return (gained.value - cost) / cost if cost else Insufficient(0, 1)


def _share(value: float | Interval | Insufficient) -> Any:
    if isinstance(value, Insufficient):
        return value.as_dict()
    if isinstance(value, Interval):
        return {name: round(getattr(value, name), DIGITS) for name in ("value", "low", "high")}
    return round(value, DIGITS)


def _money(value: float | Interval | Insufficient, currency: str) -> Any:
    if isinstance(value, Insufficient):
        return value.as_dict()
    if isinstance(value, Interval):
        return {name: money(round(getattr(value, name)), currency) for name in ("value", "low", "high")}
    return money(round(value), currency)
