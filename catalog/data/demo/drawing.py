"""What everything is drawn from: streams of random numbers, the words, and the span of time."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
WORDS: dict[str, Any] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))

SEED = 20260930
OPENS = date(2023, 10, 1)  # the first month on file
AS_OF = datetime(2026, 9, 30, 12, 0)
AFTER = AS_OF + timedelta(days=90)


class Draw:
    """Draws from one stream, by ``random()`` alone."""

    def __init__(self, number: int, purpose: int) -> None:
        self._random = Random(SEED * 1_000_000 + number * 10 + purpose).random

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, items: Sequence[Any]) -> Any:
        """One of them, all alike."""
        return items[self.whole(0, len(items) - 1)]

    def weighted(self, items: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """One of several sequences whose last element is its weight."""
        at = self._random() * sum(item[-1] for item in items)
        for item in items:
            at -= item[-1]
            if at < 0:
                return item
        return items[-1]
