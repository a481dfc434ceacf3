"""What words give away: holes where a value was missing, a subject that pretends, an urgency that is not true."""

import re
from datetime import date, timedelta

# What stands there when a value was empty, or a template was not filled. Looked for by a character that is rare in a
# letter first: this is asked of every message.
_HOLES = {
    "{": ("{{", "{%"), "}": ("}}", "%}"), "*": ("*|", "|*"), "[": ("[First", "[first", "[Name", "[name"),
    "%": ("%FIRST", "%first"), "!": (" !",), ")": ("()", "( )"),
}  # fmt: skip
_GAPS = (
    "  ", " ,", ",,", "last with", "last .", "last (", "since .", "Hi .", "Hi None", "Hi null", "Hi nil", "last None",
    "last null", "last nil", "undefined",
)  # fmt: skip

_PRETENDS = re.compile(
    r"^\W*(?:re|fw|fwd|aw|wg|tr)\s*(?:\[\d+\])?\s*:|\b(?:invoice|receipt|past due|overdue|final notice|action required"
    r"|payment (?:due|failed|received)|order (?:confirm|ship|status)|(?:your|upcoming|confirmed?) appointment"
    r"|appointment (?:is|confirm|remind|tomorrow|today|on\b|at\b)|account (?:suspended|locked|on hold|alert)"
    r"|security alert|you(?:'ve|’ve| have) won|delivery (?:failed|attempt))",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"\b(?:last (?:chance|call)|act (?:now|fast)|hurry|urgent|don['’]t miss|final (?:hours?|days?)|(?:hours|days) left"
    r"|(?:ends?|ending|expires?|expiring|until|only)\s+(?P<day>today|tonight|tomorrow)"
    r"|(?P<other>today only|tonight only)"
    r"|(?:ends?|ending|expires?|expiring)\s+(?:soon|in\b)"
    r"|(?:offer|sale|deal|discount|code|coupon|it)\s+(?:is\s+)?(?:ends?|ending|expires?|expiring)\b"
    r"(?:\s+(?P<said>today|tonight|tomorrow))?)",
    re.IGNORECASE,
)
_MAYBE_URGENT = (
    "last c",
    "act ",
    "hurry",
    "urgent",
    "miss",
    "final",
    "left",
    "today",
    "tonight",
    "tomorrow",
    "end",
    "expir",
)
_SOON = timedelta(days=7)
_AMOUNT = r"(?:[$€£]\s?\d[\d.,]*|\d[\d.,]*\s?(?:%|percent\b|[$€£]))"
_REDUCED = re.compile(
    rf"(?P<before>{_AMOUNT})\s*(?:off|discount|less|reduction)\b|\b(?:save|saving|discount of)\s+(?P<after>{_AMOUNT})",
    re.IGNORECASE,
)
_FREE = re.compile(r"\bfree\b(?!\s+to\b)", re.IGNORECASE)


def has_hole(words: str) -> bool:
    """Whether a value is missing in the words, or template code was left in them."""
    for rare, holes in _HOLES.items():
        if rare in words and any(hole in words for hole in holes):
            return True
    for gap in _GAPS:  # noqa: SIM110  a generator costs more than the search itself
        if gap in words:
            return True
    return False


def pretends(subject: str) -> bool:
    """Whether a subject passes itself off as a reply, a bill, a reminder or an alarm."""
    return _PRETENDS.search(subject) is not None


def untrue_urgency(words: str, *, ends: date | None, today: date) -> bool:
    """Whether the words press for time although no offer ends then.

    “Today” and “tomorrow” must be the very day on which the offer ends; anything else must end within a week.
    """
    lower = words.lower()
    if not any(word in lower for word in _MAYBE_URGENT):
        return False
    for found in _URGENT.finditer(words):
        day = (found.group("day") or found.group("other") or found.group("said") or "").lower()
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


def untrue_value(words: str, *, offer: str) -> bool:
    """Whether the words promise a reduction, or something free, that the offer's own words do not hold.

    ``offer`` is its name and terms, empty where none is made. What an offer is worth stands in one place.
    """
    known = _plain_amount(offer)
    for found in _REDUCED.finditer(words):
        if _plain_amount(found.group("before") or found.group("after")) not in known:
            return True
    return _FREE.search(words) is not None and _FREE.search(offer) is None


def _plain_amount(text: str) -> str:
    """Amounts in one spelling: “50 percent”, “50 %” and “50%” are the same."""
    return re.sub(r"\s", "", text.lower().replace("percent", "%")).rstrip(".,")
