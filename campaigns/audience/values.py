"""What the rows of every file have in common: the setting they are read in, times, and why a row is rejected."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from campaigns.audience.reading import BROKEN


class Rejected(ValueError):
    """The row breaks a rule; the message is the reason that stands in the rejects file."""


@dataclass(frozen=True)
class Setting:
    """What the rows of a file are read against."""

    zone: ZoneInfo
    country: str
    region: str
    currency: str
    now: datetime


def moment(text: str, zone: ZoneInfo, name: str) -> datetime:
    """A time as the file gives it: without a zone it is the tenant's, a date alone is 12:00 of that day.

    A local time that a clock change skips or repeats is read as the earlier offset, as Python's fold=0 does.
    """
    try:
        if len(text) <= 10:  # no room for a time: a date, in any of ISO's spellings
            value = datetime.combine(date.fromisoformat(text), time(12))
        else:
            value = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(f"{name}: {short(text)} is no time (write 2026-09-30 or 2026-09-30T14:00)") from error
    if not 1900 <= value.year <= 9000:
        raise Rejected(f"{name}: the year {value.year} cannot be meant")
    return value if value.tzinfo else value.replace(tzinfo=zone)


def refuse_broken(row: Mapping[str, str]) -> None:
    """Raise what the reader found wrong with the row."""
    if BROKEN in row:
        raise Rejected(row[BROKEN])


def short(text: str) -> str:
    """A value as a reason quotes it."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
