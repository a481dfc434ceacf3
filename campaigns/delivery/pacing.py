"""How fast messages may leave: by connection and by the recipient's mailbox provider, for all workers of all hosts.

A connection's settings say ``per_second`` and ``per_day`` (of a text, each segment counts). What one mailbox provider
takes well from one sender is a default, which ``domain_limits`` of the settings changes (limits.py beside them). A
connection on trial (breaker.py there) lets a few go first.

When the shared store does not answer, nothing that has a limit leaves: it is asked again a minute later. That costs no
attempt, and a minute is what losing the queue costs anyway.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep
from typing import Any, Generic, Protocol, TypeVar

from campaigns.audience.models import Channel
from tenants.connections import breaker
from tenants.connections.connecting import has_no_limits
from tenants.connections.limits import number, rate_to
from tenants.connections.models import Connection
from winback import permits
from winback.permits import Limit, StoreGone

logger = logging.getLogger(__name__)

STORE_GONE_WAIT = timedelta(minutes=1)
TRIAL_WAIT = timedelta(minutes=1)
SHORTEST_WAIT = timedelta(seconds=1)
PATIENCE = timedelta(seconds=45)
"""So long a claim waits for its turns by itself; giving messages back and claiming them anew costs more. Its lease is
longer, and so is the minute for which a sender's clock may stand still (sending.py)."""


class Item(Protocol):
    """A message that may leave, with its facts and the evidence of its words."""

    @property
    def facts(self) -> Mapping[str, Any]: ...

    @property
    def evidence(self) -> Any: ...


ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True)
class Load:
    """What one message weighs: where an e-mail goes, and how many messages the provider counts it as."""

    domain: str = ""
    units: int = 1


@dataclass(frozen=True)
class Pace:
    """Which messages may leave now, by their places, and until when the others wait (None: all may leave)."""

    allowed: tuple[int, ...]
    wait_until: datetime | None = None
    store_gone: bool = False


class Line(Generic[ItemT]):
    """The messages of a claim in line for their connection; ``next`` takes out those whose turn it is.

    ``waiting`` are those still in line, ``until`` when their turn comes, as far as is known. ``store_gone``: nobody
    could tell.
    """

    def __init__(
        self, connection: Connection, items: Sequence[ItemT], size: int, *, now: datetime, limited: bool
    ) -> None:
        self.waiting = list(items)
        self.until: datetime | None = None
        self.store_gone = False
        self._connection = connection
        self._size = size
        self._now = now
        self._limited = limited
        self._waited = timedelta()

    def next(self, *, patiently: bool = False) -> list[ItemT]:
        """The next group; empty when none may leave now, or ``patiently``, none soon. Outside any transaction."""
        while self.waiting:
            group = self._whose_turn_it_is()
            if group or not patiently or self.until is None:
                return group
            wait = self.until - self._now - self._waited
            if self._waited + wait > PATIENCE:
                return []
            self._waited += wait
            pause_for(wait.total_seconds())
        return []

    def _whose_turn_it_is(self) -> list[ItemT]:
        """Those of the first in line that may leave; where none may, of those behind them."""
        self.until = None
        for start in range(0, len(self.waiting), self._size):
            group = self.waiting[start : start + self._size]
            if not self._limited:
                self.waiting = self.waiting[self._size :]
                return group
            loads = [load_of(item.facts, item.evidence.segments) for item in group]
            turn = pace(self._connection, loads, now=self._now + self._waited)
            self.store_gone |= turn.store_gone
            if turn.wait_until is not None:
                self.until = min(self.until, turn.wait_until) if self.until is not None else turn.wait_until
            if turn.allowed:
                taken = set(turn.allowed)
                left = [item for place, item in enumerate(group) if place not in taken]
                self.waiting = [*self.waiting[:start], *left, *self.waiting[start + self._size :]]
                return [group[place] for place in turn.allowed]
        return []


def pause_for(seconds: float) -> None:
    """Let time go by."""
    sleep(seconds)


def load_of(facts: Mapping[str, Any], segments: int | None) -> Load:
    """The load of a message; of a text, each segment counts."""
    if facts["channel"] == Channel.SMS:
        return Load(units=segments or 1)
    return Load(domain=str(facts["email"] or "").rpartition("@")[2].strip().lower())


def pace(connection: Connection, loads: Sequence[Load], *, now: datetime) -> Pace:
    """Take the permits of a group that is about to leave through this connection. Outside any transaction."""
    everyone = tuple(range(len(loads)))
    if connection.state == Connection.State.TRYING:
        everyone = everyone[: breaker.take_trial(connection, len(loads), now=now)]
        if not everyone:
            return Pace((), now + TRIAL_WAIT)
    wanted = [limits_of(connection, loads[place]) for place in everyone]
    try:
        grant = permits.take(wanted)
    except StoreGone:
        logger.warning("The store of the rate limits does not answer: connection %s waits.", connection.pk)
        return Pace(tuple(place for place in everyone if not wanted[place]), now + STORE_GONE_WAIT, True)
    allowed = tuple(place for place, granted in zip(everyone, grant.allowed, strict=True) if granted)
    if len(allowed) == len(loads):
        return Pace(allowed)
    wait = max(timedelta(seconds=grant.wait_seconds), SHORTEST_WAIT)
    return Pace(allowed, now + (wait if len(allowed) < len(everyone) else TRIAL_WAIT))


def limits_of(connection: Connection, load: Load) -> dict[Limit, float]:
    """The limits that a message comes under, and what it costs there."""
    found: dict[Limit, float] = {}
    key = f"{connection.tenant_id}:{connection.pk}"
    per_second = number(connection.settings.get("per_second"))
    per_day = int(number(connection.settings.get("per_day")))
    if per_second > 0:
        found[Limit(f"{key}:second", per_second, max(per_second, 1.0))] = load.units
    if per_day > 0:
        found[permits.daily(f"{key}:day", per_day)] = load.units
    if load.domain and not has_no_limits(connection):
        group, rate = rate_to(load.domain, connection.settings.get("domain_limits"))
        if rate > 0:
            found[Limit(f"{key}:to:{group}", rate, max(rate, 1.0))] = 1
    return found
