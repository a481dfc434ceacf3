"""Guessing passwords is made slow: so many wrong ones for a name from one place, then a pause.

Counted in the cache of this process, so that a queue that is down locks nobody out. The name is counted together with
the place it is tried from: a stranger cannot lock out its owner.
"""

import hashlib

from django.core.cache import cache
from django.http import HttpRequest

MOST_WRONG = 10
MOST_WRONG_FROM_ONE_PLACE = 100
PAUSE_SECONDS = 15 * 60


def too_many(request: HttpRequest | None, name: str) -> bool:
    """Whether this name, or this place, has to wait."""
    of_name, of_place = (cache.get(key, 0) for key in _keys(request, name))
    return bool(of_name >= MOST_WRONG or of_place >= MOST_WRONG_FROM_ONE_PLACE)


def count_wrong(request: HttpRequest | None, name: str) -> None:
    """One more wrong attempt; each starts the pause anew."""
    for key in _keys(request, name):
        cache.set(key, cache.get(key, 0) + 1, PAUSE_SECONDS)


def forget(request: HttpRequest | None, name: str) -> None:
    """The right password was given: the name starts from nothing again."""
    cache.delete(_keys(request, name)[0])


def _keys(request: HttpRequest | None, name: str) -> tuple[str, str]:
    place = str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""
    digest = hashlib.sha256(f"{place}\n{name.strip().lower()}".encode()).hexdigest()
    return f"sign-in.name.{digest}", f"sign-in.place.{place}"
