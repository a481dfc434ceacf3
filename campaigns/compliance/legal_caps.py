"""How often the law of a recipient's place lets it be written to: dated rows of catalog/data/frequency_caps.yaml."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from campaigns.compliance.quiet_hours import region_code
from catalog.reading import DATA, read_yaml


@dataclass(frozen=True)
class LegalCap:
    """At most so many within so many hours; ``country`` and ``region`` empty: everywhere."""

    code: str
    channel: str
    country: str
    region: str
    most: int
    hours: int
    valid_from: date
    valid_to: date | None
    source: str

    def may_hold_in(self, channel: str, country: str, region: str) -> bool:
        """Whether it holds for this channel in this place, or may: an unknown country or region is every one."""
        return (
            self.channel == channel
            and (not self.country or not country or self.country == country)
            and (not self.region or not region or self.region == region)
        )

    def asks_no_more_than(self, other: "LegalCap") -> bool:
        """Whether whoever keeps the other keeps this one, too."""
        return other.most <= self.most and other.hours >= self.hours


@cache
def rules() -> tuple[LegalCap, ...]:
    """Every cap, whatever its dates."""
    rows: list[dict[str, Any]] = read_yaml(DATA / "frequency_caps.yaml", DATA)
    return tuple(
        LegalCap(
            code=row["code"],
            channel=row["channel"],
            country=row.get("country", ""),
            region=row.get("region", ""),
            most=row["most"],
            hours=row["hours"],
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row.get("valid_to") else None,
            source=row["source"],
        )
        for row in rows
    )


def valid_on(day: date) -> list[LegalCap]:
    """The caps in force on a day."""
    return [cap for cap in rules() if cap.valid_from <= day and (cap.valid_to is None or day <= cap.valid_to)]


def holding(channel: str, country: str, region: str, *, on: date) -> list[LegalCap]:
    """The caps to be kept in a place; of those that ask the same, or less than another, only one."""
    code = region_code(country, region)
    kept: list[LegalCap] = []
    for cap in valid_on(on):
        if cap.may_hold_in(channel, country, code) and not any(cap.asks_no_more_than(other) for other in kept):
            kept = [*(other for other in kept if not other.asks_no_more_than(cap)), cap]
    return kept


def parameters(places: Iterable[tuple[str, str, str]], *, on: date) -> dict[str, Any]:
    """The caps of places (channel, country, region as it is written) as parameters of caps.KEEP_CAPS."""
    held = [(place, cap) for place in dict.fromkeys(places) for cap in holding(*place, on=on)]
    return {
        "law_channels": [place[0] for place, _ in held],
        "law_countries": [place[1] for place, _ in held],
        "law_regions": [place[2] for place, _ in held],
        "law_codes": [cap.code for _, cap in held],
        "law_most": [cap.most for _, cap in held],
        "law_hours": [cap.hours for _, cap in held],
    }
