"""When a sender's bad news is too much: dated rows of catalog/data/reputation_rules.yaml."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from catalog.reading import DATA, read_yaml


@dataclass(frozen=True)
class Limits:
    """One dated row of the rules."""

    valid_from: date
    at_least: int
    window: timedelta
    complaints_warn: float
    complaints_pause: float
    hard_bounces_pause: float


@cache
def _rules() -> tuple[Limits, ...]:
    rows = [
        Limits(
            date.fromisoformat(row["valid_from"]), row["at_least"], timedelta(days=row["window_days"]),
            row["complaints_warn"], row["complaints_pause"], row["hard_bounces_pause"],
        )
        for row in read_yaml(DATA / "reputation_rules.yaml", DATA)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda rule: rule.valid_from))


def limits_on(day: date) -> Limits:
    """The rule that holds on a day; before the first, the first."""
    return next((rule for rule in reversed(_rules()) if rule.valid_from <= day), _rules()[0])
