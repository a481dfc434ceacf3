"""Calling one endpoint: parcels one after the other over one connection, and what became of each. No database here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Protocol

from tenants.webhooks import signing
from tenants.webhooks.endpoints import rules
from tenants.webhooks.recording import GONE, Result
from tenants.webhooks.retrying import rest
from winback.providers.tenant_calls import Answer, Caller, Unreachable
from winback.providers.tenant_urls import NotAllowed

STOP_AFTER_SECONDS = 200.0
"""How long a lane goes on within the lease of its claim."""
BREATHER = timedelta(minutes=1)
"""How long an endpoint that does not answer is left alone; what waits for it used no try."""
BUSY = frozenset({429, 502, 503, 504})


class Call(Protocol):
    """One connection to one endpoint."""

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer: ...
    def close(self) -> None: ...


Connect = Callable[[str], Call]


def connect(url: str) -> Call:
    """The real one."""
    return Caller(url, rules())


@dataclass(frozen=True)
class Parcel:
    """One delivery, packed inside the scope and sent outside it."""

    delivery_id: int
    attempts: int
    webhook_id: str
    body: bytes


@dataclass(frozen=True)
class Lane:
    """Parcels for one endpoint, one after the other over one connection."""

    endpoint_id: int
    url: str
    secrets: Sequence[signing.Secret]
    parcels: Sequence[Parcel]


def send(lane: Lane, connect: Connect, now: datetime) -> list[Result]:
    """What became of each parcel of a lane; it runs in a thread of its own."""
    if not lane.secrets:  # an operator has lost a key: nothing is tried, and nobody's fault is counted
        return _put_off(lane, 0, until=now + BREATHER)
    started = monotonic()
    results: list[Result] = []
    call: Call | None = None
    try:
        for number, parcel in enumerate(lane.parcels):
            if monotonic() - started > STOP_AFTER_SECONDS:
                return results + _put_off(lane, number, until=now)
            try:
                call = call or connect(lane.url)
                answer = call.post(parcel.body, _headers(lane, parcel, now, started))
            except NotAllowed as error:
                results.append(_failed(lane, parcel, str(error)))
            except Unreachable as error:
                results.append(_failed(lane, parcel, str(error)))
                return results + _put_off(lane, number + 1, until=now + BREATHER)
            else:
                results.append(_answered(lane, parcel, answer))
                if answer.status == GONE:
                    return results + _put_off(lane, number + 1, until=now)
                if answer.status in BUSY:
                    until = now + max(BREATHER, rest(answer.retry_after_seconds))
                    return results + _put_off(lane, number + 1, until=until)
        return results
    finally:
        if call is not None:
            call.close()


def _headers(lane: Lane, parcel: Parcel, now: datetime, started: float) -> Mapping[str, str]:
    at = now + timedelta(seconds=monotonic() - started)  # receivers refuse what is five minutes old
    return signing.headers(lane.secrets, webhook_id=parcel.webhook_id, body=parcel.body, now=at)


def _answered(lane: Lane, parcel: Parcel, answer: Answer) -> Result:
    told: dict[str, Any] = {
        "status": answer.status, "excerpt": answer.excerpt, "milliseconds": answer.milliseconds,
        "asked_seconds": answer.retry_after_seconds if answer.status in BUSY else None,
    }  # fmt: skip
    if 200 <= answer.status < 300:
        return Result(parcel.delivery_id, lane.endpoint_id, parcel.attempts, arrived=True, **told)
    words = f"answered {answer.status}"
    if 300 <= answer.status < 400:
        words += ": redirects are not followed, change the URL instead"
    return Result(parcel.delivery_id, lane.endpoint_id, parcel.attempts, error=words, **told)


def _failed(lane: Lane, parcel: Parcel, words: str) -> Result:
    return Result(parcel.delivery_id, lane.endpoint_id, parcel.attempts, error=words)


def _put_off(lane: Lane, start: int, *, until: datetime) -> list[Result]:
    """Those that were not tried."""
    return [
        Result(parcel.delivery_id, lane.endpoint_id, parcel.attempts, put_off_until=until)
        for parcel in lane.parcels[start:]
    ]
