"""What words give away: holes where a value was missing, a subject that pretends, an urgency that is not true."""

import re
from datetime import date, timedelta

_HOLES = (
    "{{", "}}", "{%", "%}", "*|", "|*", "[First", "[first", "[Name", "[name", "%FIRST", "%first", "undefined",
    " ,", ",,", " !", "()", "( )", "last with", "last .", "last (", "since .", "Hi None", "Hi null", "Hi nil",
    "last None", "last null", "last nil", "Hi  ", "Hi .",
)  # fmt: skip
"""What stands there when a value was empty, or a template was not filled."""

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
    r"|(?:offer|sale|deal|discount|code|coupon|it)\s+(?:is\s+)?(?:ends?|ending|expires?|expiring)\b)",
    re.IGNORECASE,
)
_SOON = timedelta(days=7)


def has_hole(words: str) -> bool:
    """Whether a value is missing in the words, or template code was left in them."""
    return any(hole in words for hole in _HOLES)


def pretends(subject: str) -> bool:
    """Whether a subject passes itself off as a reply, a bill, a reminder or an alarm."""
    return _PRETENDS.search(subject) is not None


def untrue_urgency(words: str, *, ends: date | None, today: date) -> bool:
    """Whether the words press for time although no offer ends then.

    “Today” and “tomorrow” must be the very day on which the offer ends; anything else must end within a week.
    """
    for found in _URGENT.finditer(words):
        day = (found.group("day") or found.group("other") or "").lower()
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
