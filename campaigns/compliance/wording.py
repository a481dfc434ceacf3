"""What words give away: holes where a value was missing, a subject that pretends, an urgency that is not true."""

import re
from datetime import date, timedelta

from catalog.word_lists import pattern_of, signs_of, words_of

_SOON = timedelta(days=7)
_AMOUNT = r"(?:[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:%|percent\b|[$€£]))"
_REDUCED = re.compile(
    rf"(?P<before>{_AMOUNT})\s*(?:off|discount|less|reduction)\b|\b(?:save|saving|discount of)\s+(?P<after>{_AMOUNT})",
    re.IGNORECASE,
)


# The lists that each question reads: their versions stay with its answer.
HOLES = ("holes", "gaps")
PRETENDING = ("pretending_subjects",)
CLAIMS = ("urgency", "free")


def has_hole(words: str, *, on: date) -> bool:
    """Whether a value is missing in the words, or template code was left in them."""
    for rare, holes in signs_of("holes", on).items():
        if rare in words and any(hole in words for hole in holes):
            return True
    for gap in words_of("gaps", on):  # noqa: SIM110  a generator costs more than the search itself
        if gap in words:
            return True
    return False


def pretends(subject: str, *, on: date) -> bool:
    """Whether a subject passes itself off as a reply, a bill, a reminder or an alarm."""
    return pattern_of("pretending_subjects", on).search(subject) is not None


def untrue_urgency(words: str, *, ends: date | None, today: date) -> bool:
    """Whether the words press for time although no offer ends then.

    “Today” and “tomorrow” must be the very day on which the offer ends; anything else must end within a week.
    """
    lower = words.lower()
    if not any(word in lower for word in words_of("urgency_hints", today)):
        return False
    for found in pattern_of("urgency", today).finditer(words):
        day = next(filter(None, found.groupdict().values()), "").lower()
        if ends is None or ends < today:
            return True
        if day.startswith("tomorrow"):
            if ends != today + timedelta(days=1):
                return True
        elif day:
            if ends != today:
                return True
        elif ends > today + _SOON:
            return True
    return False


def untrue_value(words: str, *, offer: str, on: date) -> bool:
    """Whether the words promise a reduction, or something free, that the offer's own words do not hold.

    ``offer`` is its name and terms, empty where none is made. What an offer is worth stands in one place.
    """
    known = _plain_amount(offer)
    for found in _REDUCED.finditer(words):
        if _plain_amount(found.group("before") or found.group("after")) not in known:
            return True
    free = pattern_of("free", on)
    return free.search(words) is not None and free.search(offer) is None


def _plain_amount(text: str) -> str:
    """Amounts in one spelling: “50 percent”, “50 %” and “50%” are the same."""
    return re.sub(r"\s", "", text.lower().replace("percent", "%")).rstrip(".,")
