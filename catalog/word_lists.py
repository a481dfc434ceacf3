"""The words by which messages and records are read: dated rows of catalog/data/word_lists.yaml, compiled once a day."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from typing import Any

from catalog.reading import DATA, read_yaml

_DAYS = 64
"""Of so many days the lists are kept ready: today's, and those of a replay."""

_NOTHING = re.compile("(?!)")


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(read_yaml(DATA / "word_lists.yaml", DATA))


def _valid(name: str, day: date) -> Iterator[dict[str, Any]]:
    for row in _rows():
        ends = date.fromisoformat(row["valid_to"]) if row.get("valid_to") else date.max
        if row["list"] == name and date.fromisoformat(row["valid_from"]) <= day <= ends:
            yield row


@lru_cache(maxsize=_DAYS * 16)
def words_of(name: str, day: date) -> tuple[str, ...]:
    """The plain words of a list."""
    return tuple(str(word) for row in _valid(name, day) for word in row.get("words", ()))


@lru_cache(maxsize=_DAYS * 16)
def set_of(name: str, day: date) -> frozenset[str]:
    """The plain words of a list, to ask whether one is among them."""
    return frozenset(words_of(name, day))


@lru_cache(maxsize=_DAYS * 16)
def pattern_of(name: str, day: date) -> re.Pattern[str]:
    """One expression for the patterns of a list; a list of which nothing is valid matches nothing."""
    patterns = [pattern for row in _valid(name, day) for pattern in row.get("patterns", ())]
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else _NOTHING


@lru_cache(maxsize=_DAYS)
def signs_of(name: str, day: date) -> dict[str, tuple[str, ...]]:
    """The words of a list by the rare character that is looked for first."""
    signs: dict[str, tuple[str, ...]] = {}
    for row in _valid(name, day):
        for sign, words in row.get("by_sign", {}).items():
            signs[sign] = signs.get(sign, ()) + tuple(words)
    return signs


@lru_cache(maxsize=_DAYS * 16)
def versions(names: tuple[str, ...], day: date) -> dict[str, int]:
    """Which version of each row of these lists is in force: what a verdict keeps."""
    return {row["code"]: row["version"] for name in names for row in _valid(name, day)}
