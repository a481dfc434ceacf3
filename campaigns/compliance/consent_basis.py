"""On what permission a message may rest where its recipient lives: dated rows of catalog/data/consent_rules.yaml."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from catalog.reading import DATA, read_yaml


@dataclass(frozen=True)
class Basis:
    """One rule: ``countries`` empty means everywhere; months count from the last business, or from an inquiry."""

    code: str
    channel: str
    countries: tuple[str, ...]
    basis: str
    months: int | None
    inquiry_months: int | None
    soft_opt_in_months: int | None
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
            inquiry_months=row.get("inquiry_months"),
            soft_opt_in_months=row.get("soft_opt_in_months"),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row.get("valid_to") else None,
            source=row["source"],
        )
        for row in rows
    )


def valid_on(day: date) -> list[Basis]:
    """The rules in force on a day."""
    return [rule for rule in rules() if rule.valid_from <= day and (rule.valid_to is None or day <= rule.valid_to)]


def parameters(day: date) -> dict[str, Any]:
    """The rules of a day as parameters of campaigns.compliance.lawful_until.RULE."""
    held = valid_on(day)
    return {
        "rule_codes": [rule.code for rule in held],
        "rule_channels": [rule.channel for rule in held],
        "rule_countries": [",".join(rule.countries) for rule in held],
        "rule_bases": [rule.basis for rule in held],
        "rule_months": [rule.months for rule in held],
        "rule_inquiries": [rule.inquiry_months for rule in held],
        "rule_softs": [rule.soft_opt_in_months for rule in held],
    }
