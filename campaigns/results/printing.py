"""The report as a person reads it on a terminal."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from campaigns.results.lift import LEAST_RETURNED

Keys = dict[str, Any]

_LABEL = 22
_COLUMN = 13
_INSUFFICIENT = "insufficient_data"


def report_lines(keys: Keys) -> Iterator[str]:
    """The whole report of one tenant; campaigns follow the total where there is more than one."""
    yield _period(keys)
    campaigns = keys["campaigns"]
    if not campaigns:
        yield "No campaign yet: plan_messages makes it once the module is active."
        return
    yield ""
    if len(campaigns) == 1:
        yield from _lines(campaigns[0], campaigns[0]["name"])
        return
    yield from _lines(keys, "All campaigns")
    for campaign in campaigns:
        yield ""
        yield from _lines(campaign, f"{campaign['name']} ({campaign['code']})")


def _period(keys: Keys) -> str:
    period, days = keys["period"], keys["window"]["days"]
    between = " ".join(
        f"{word} {day}" for word, day in (("from", period["from"]), ("to", period["to"])) if day is not None
    )
    window = f"{days} days count as coming back" if days else "each campaign counts its own days as coming back"
    as_of = datetime.fromisoformat(period["as_of"])
    return f"Enrolled {between or 'at any time'}, as of {as_of:%Y-%m-%d %H:%M}; {window}."


def _lines(keys: Keys, title: str) -> Iterator[str]:
    currency = keys["currency"]
    yield title
    yield " " * _LABEL + f"{'written to':>{_COLUMN}}{'held out':>{_COLUMN}}"
    for label, one, other in (
        ("enrolled", "assigned_treated", "assigned_held_out"),
        ("window closed", "matured_treated", "matured_held_out"),
        ("came back", "reactivated_treated", "reactivated_held_out"),
        ("  of window closed", "reactivated_matured_treated", "reactivated_matured_held_out"),
        ("  as a share", "reactivation_rate", "holdout_rate"),
    ):
        yield f"{label:{_LABEL}}{_cell(keys[one]):>{_COLUMN}}{_cell(keys[other]):>{_COLUMN}}"
    yield _labelled("lift", _lift(keys["lift"]))
    each = keys["revenue_per_reactivation"]
    a_return = "" if _lacks(each) else f", {_amount(each)} for each who came back"
    yield _labelled("revenue", f"{currency} {_amount(keys['revenue'])}{a_return}")
    for code, amount in keys["other_revenue"].items():
        yield _labelled("", f"and {code} {_amount(amount)}, counted nowhere else")
    yield _labelled("incremental revenue", _gain(keys["incremental_revenue"], currency))
    roi = keys["roi"]
    return_on = "" if _lacks(roi) else f", a net return of {roi:.2f} for each {currency} spent"
    yield _labelled("cost", f"{currency} {_amount(keys['cost'])}{return_on}")
    for channel, states in keys["messages"].items():
        counts = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in states.items())
        yield _labelled(f"messages by {channel}", counts)


def _labelled(label: str, text: str) -> str:
    return f"{label:{_LABEL}}{text}"


def _lacks(value: Any) -> bool:
    return isinstance(value, dict) and value.get("state") == _INSUFFICIENT


def _cell(value: Any) -> str:
    if _lacks(value):
        return "–"
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"


def _amount(text: str) -> str:
    """A money string with separators of thousands."""
    whole, point, rest = text.removeprefix("-").partition(".")
    sign = "-" if text.startswith("-") else ""
    return f"{sign}{int(whole):,}{point}{rest}"


def _lift(value: Keys) -> str:
    if _lacks(value):
        return _missing(value)
    one, low, high = (100 * value[name] for name in ("value", "low", "high"))
    return f"{one:+.1f} points (95 % interval: {low:+.1f} to {high:+.1f})"


def _gain(value: Keys, currency: str) -> str:
    if _lacks(value):
        return _missing(value)
    one, low, high = (_amount(value[name]) for name in ("value", "low", "high"))
    return f"{currency} {one} (95 % interval: {low} to {high})"


def _missing(value: Keys) -> str:
    what = "have come back" if value["need"] == LEAST_RETURNED else "have closed their window"
    return f"not known yet: {value['have']:,} of the smaller arm {what}, {value['need']:,} are needed"
