"""On what permission a message may rest where its recipient lives: dated rows of catalog/data/consent_rules.yaml."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from catalog.reading import DATA, read_yaml


@dataclass(frozen=True)
class Basis:
    """One rule: ``countries`` empty means everywhere, ``months`` counts from the last business."""

    code: str
    channel: str
    countries: tuple[str, ...]
    basis: str
    months: int | None
    valid_from: date
    valid_to: date | None
    source: str


@cache
def rules() -> tuple[Basis, ...]:
    """Every rule, in the order of the file, which is the order in which they are asked."""
    rows: list[dict[str, Any]] = read_yaml(DATA / "consent_rules.yaml", DATA)
    return tuple(
        Basis(
            code=row["code"],
            channel=row["channel"],
            countries=tuple(row.get("countries", ())),
            basis=row["basis"],
            months=row.get("months"),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row.get("valid_to") else None,
            source=row["source"],
        )
        for row in rows
    )


def valid_on(day: date) -> list[Basis]:
    """The rules in force on a day."""
    return [rule for rule in rules() if rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)]
