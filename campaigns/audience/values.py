"""What the rows of every file have in common: the setting they are read in, times, and why a row is rejected."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.audience.reading import BROKEN

_quoted = json.encoder.encode_basestring_ascii
_ARRAY_ESCAPES = re.compile(r'["\\]')
_QUOTES = ('"', '"')


class Rejected(ValueError):
    """The row breaks a rule; the message is the reason that stands in the rejects file."""


@dataclass(frozen=True)
class Setting:
    """What the rows of a file are read against."""

    zone: ZoneInfo
    country: str
    region: str
    currency: str
    read_at: datetime
    """By the clock: what is dated later has not happened, even in a replay as of an earlier day."""


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


@lru_cache(maxsize=256)
def unknown_columns(columns: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    """The columns of a row that are kept as attributes."""
    return tuple(name for name in columns if name not in known)


def as_json(attributes: dict[str, str]) -> str:
    """What json.dumps says of texts by name, in a third of its time."""
    if not attributes:
        return "{}"
    return f"{{{', '.join([f'{_quoted(name)}: {_quoted(value)}' for name, value in attributes.items()])}}}"


def as_array(texts: Iterable[str]) -> str:
    """Texts as PostgreSQL writes an array of them."""
    return f"{{{','.join([_ARRAY_ESCAPES.sub(_escape, text).join(_QUOTES) for text in texts])}}}"


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
