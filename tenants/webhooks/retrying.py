"""When what did not arrive is tried again: the schedule that Standard Webhooks recommends, a little shaken."""

import random
from datetime import datetime, timedelta

# After the first try at once: 75 hours in all. Each a tenth more or less, or what failed together would come together.
_WAITS = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=5),
    timedelta(hours=10), timedelta(hours=14), timedelta(hours=20), timedelta(hours=24),
)  # fmt: skip
TRIES = len(_WAITS) + 1
_LONGEST_ASKED = timedelta(hours=24)


def next_try(attempts: int, *, now: datetime, asked_seconds: float | None = None) -> datetime | None:
    """When to try after so many attempts, and not before the endpoint asked for; None: it is given up."""
    if attempts >= TRIES:
        return None
    wait = _WAITS[max(attempts, 1) - 1]
    shaken = wait * random.uniform(0.9, 1.1)
    return now + max(shaken, rest(asked_seconds))


def rest(asked_seconds: float | None) -> timedelta:
    """How long an endpoint asks to be left alone (Retry-After), within reason."""
    return min(timedelta(seconds=asked_seconds or 0), _LONGEST_ASKED)
