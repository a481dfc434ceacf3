"""The report as the console shows it: cards, a funnel, and treated against held out. One report a minute a tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache

from campaigns.results import lift
from campaigns.results.reporting import results
from tenants.accounts.models import Tenant
from winback.console import formatting
from winback.console.charts import Arm, Comparison, Part, StackedBar
from winback.console.components import Kpi, Panel
from winback.money import to_minor

SECONDS = 60


def results_of(tenant: Tenant, *, now: datetime) -> dict[str, Any]:
    """The report as of now, at most a minute old."""
    key = f"console.results.{tenant.pk}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        known = results(tenant, now=now)
        cache.set(key, known, SECONDS)
    return known


def lacking(value: Any) -> bool:
    """Whether the data cannot carry this number."""
    return isinstance(value, Mapping) and "state" in value


def amount(text: str, currency: str) -> str:
    """The report's money as people read it."""
    return formatting.money(to_minor(text, currency), currency)


def short(text: str, currency: str) -> str:
    minor = to_minor(text, currency)
    return formatting.short_money(minor, currency) if abs(minor) >= 10_000_00 else formatting.money(minor, currency)


def cards(told: Mapping[str, Any]) -> list[Kpi]:
    """The numbers that say whether it pays, each with its definition and its interval."""
    currency = told["currency"]
    sides = [formatting.number(told[name]) for name in ("matured_treated", "matured_held_out")]
    matured = f"{sides[0]} written to, {sides[1]} held out"
    return [
        Kpi(
            "Extra revenue",
            told["incremental_revenue"]
            if lacking(told["incremental_revenue"])
            else short(told["incremental_revenue"]["value"], currency),
            _between(told["incremental_revenue"], lambda text: short(text, currency)),
            "What customers who were written to brought in beyond what they would have brought anyway, by comparison "
            "with those held out. Counted when a customer’s window has closed. With fewer than 30 on a side, or 5 "
            "returns, nothing can be said.",
            url="/console/campaigns/reactivation/",
        ),
        Kpi(
            "Lift",
            told["lift"] if lacking(told["lift"]) else formatting.points(told["lift"]["value"]),
            _between(told["lift"], formatting.points) or matured,
            "How many more of those written to came back than of those held out, in percentage points, with the 95 % "
            "interval.",
            tone="good" if not lacking(told["lift"]) and told["lift"]["low"] > 0 else "plain",
        ),
        Kpi(
            "Won back",
            formatting.number(told["reactivated_treated"]),
            ""
            if lacking(told["reactivation_rate"])
            else f"{formatting.percent(told['reactivation_rate'])} of those whose window has closed",
            "Customers who were written to and came back within the window, so far. Some would have come back anyway: "
            "the lift says how many did not.",
            url="/console/campaigns/reactivation/?arm__exact=treated",
        ),
        Kpi(
            "Revenue of those won back",
            short(told["revenue"], currency),
            ""
            if lacking(told["revenue_per_reactivation"])
            else f"{amount(told['revenue_per_reactivation'], currency)} each",
            "The first job of each customer who came back within the window after being written to.",
        ),
        Kpi(
            "Cost",
            amount(told["cost"], currency),
            "" if lacking(told["roi"]) else f"Return on it: {formatting.percent(told['roi'], 0)}",
            "Messages and redeemed offers. The return is extra revenue less cost, over cost: of revenue, not margin.",
        ),
    ]


def _between(value: Any, write: Any) -> str:
    if lacking(value):
        return ""
    return f"95 % sure: {write(value['low'])} to {write(value['high'])}"


def comparison(told: Mapping[str, Any]) -> Panel:
    """Treated against held out, with their intervals; or what is still missing for it."""
    title = "Written to, against held out"
    note = "Both sides are counted by the same rule: those whose window has closed, and the first job within it."
    arms = [
        _arm("Written to", told["reactivated_matured_treated"], told["matured_treated"]),
        _arm("Held out", told["reactivated_matured_held_out"], told["matured_held_out"]),
    ]
    if not told["matured_treated"] or not told["matured_held_out"]:
        need = "the first windows close" if told["assigned_treated"] else "customers are enrolled"
        context = {"text": f"This compares the two sides as soon as {need}."}
        return Panel(title, template="campaigns/text.html", context=context, note=note)
    difference = told["lift"]
    if lacking(difference):
        have = f"{difference['have']} of {difference['need']}"
        said = f"Not enough closed windows to compare yet: {have} on the smaller side."
    elif difference["low"] > 0:
        said = (
            f"Writing brings customers back: {formatting.points(difference['value'])}, and chance does not explain it."
        )
    elif difference["high"] < 0:
        said = (
            f"Writing keeps customers away: {formatting.points(difference['value'])}. Pause it and look at the words."
        )
    else:
        said = f"{formatting.points(difference['value'])} so far; this may still be chance."
    return Panel(title, Comparison(title, arms[0], arms[1], conclusion=said), note=note)


def _arm(label: str, returned: int, matured: int) -> Arm:
    detail = f"{formatting.number(returned)} of {formatting.number(matured)} came back"
    if not matured:
        return Arm(label, 0.0, detail=detail)
    interval = lift.wilson(returned, matured)
    return Arm(label, interval.value, interval.low, interval.high, detail)


def clicks(told: Mapping[str, Any]) -> Panel:
    """Messages whose link was clicked, by who seems to have done it."""
    counted = told["clicks"]
    parts = [
        Part("By a person", counted["person"], "good"),
        Part("Doubtful", counted["doubtful"], "warn"),
        Part("By a machine", counted["machine"], ""),
    ]
    chart = StackedBar("Messages whose link was clicked", [part for part in parts if part.value])
    note = (
        "Mailboxes and scanners follow links by themselves: many within seconds of delivery, or by a known program, "
        "are a machine’s. Whether writing pays is said by who comes back, not by clicks."
    )
    return Panel("Clicks", chart, note=note)
