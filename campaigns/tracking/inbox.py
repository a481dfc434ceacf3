"""Keep what a provider reports while it waits: shown to be its own, stored as it came, once. Nothing is read here.

One statement a request. The provider's class is built once in a while a thread, and the statement itself asks whether
what it was built from still holds, so that a new address or a new secret counts at once.
"""

import json
import re
import threading
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Any

from campaigns.tracking import refusals
from tenants.connections import connecting
from tenants.connections.hooks import HookAddress, UnknownAddress
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.account import ProviderAccount
from winback.providers.errors import ProviderMisconfigured
from winback.providers.receiving import Arrival, NotAuthentic
from winback.tenancy import acting_for, one_statement

MOST_BYTES = 2 * 1024 * 1024
MOST_QUERY = 8_000
KEEP_BUILT_SECONDS = 60
# Words of all providers for what must be known before anything leaves. It only decides what is read first.
_URGENT = re.compile(rb"complain|spam|unsubscri|bounce|opt.?out|stop", re.IGNORECASE)
# Secrets, and what says more about the way than about the report.
_NOT_KEPT = re.compile(
    r"authorization|cookie|proxy-|forwarded|x-forwarded|x-real-ip|cf-|accept|connection|host|user-agent|content-length"
)
_MOST_HEADERS = 40

KEEP = """
WITH c AS (
    SELECT id, tenant_id FROM tenants_connection
     WHERE tenant_id = %(tenant)s AND id = %(connection)s AND hook_generation = %(generation)s
       AND provider = %(provider)s AND credentials = %(credentials)s AND settings = %(settings)s::jsonb
), kept AS (
    INSERT INTO campaigns_inboxitem
           (tenant_id, connection_id, digest, method, query, headers, body, urgent, state, reason, detail, attempts,
            next_try_at, applied, ignored, received_at)
    SELECT c.tenant_id, c.id, %(digest)s, %(method)s, %(query)s, %(headers)s::jsonb, %(body)s::bytea,
           %(urgent)s::boolean, 'waiting', '', '', 0, %(now)s::timestamptz, 0, 0, %(now)s::timestamptz
      FROM c
        ON CONFLICT (tenant_id, connection_id, digest) DO NOTHING
 RETURNING id
)
SELECT EXISTS (SELECT FROM c), EXISTS (SELECT FROM kept)
"""


@dataclass(frozen=True)
class _Built:
    """A provider ready to be asked, and what it was built from."""

    account: ProviderAccount
    credentials: bytes
    settings: str
    built_at: float


@dataclass(frozen=True)
class Kept:
    """What became of a request; ``new``: it was not there yet. The provider is answered the same either way."""

    content_type: str
    answer: bytes
    new: bool


_built = threading.local()


def keep(address: HookAddress, provider: str, arrival: Arrival, *, now: datetime) -> Kept:
    """Store one request. Raises UnknownAddress, or NotAuthentic: nothing is kept then, and the refusal is counted."""
    built = _ready(address, provider)
    if built is not None:
        kept = _keep(built, address, provider, arrival, now=now)
        if kept is not None:
            return kept
    # Not built yet, or from what no longer holds.
    built = _build(address, provider)
    kept = _keep(built, address, provider, arrival, now=now)
    if kept is None:
        raise UnknownAddress("replaced just now")
    return kept


def _keep(built: _Built, address: HookAddress, provider: str, arrival: Arrival, *, now: datetime) -> Kept | None:
    """None when the connection is not the one that was built any more."""
    try:
        built.account.authenticate(arrival)
    except NotAuthentic:
        if not _holds(built, address, provider):
            return None
        refusals.count(address.tenant_id, address.connection_id, now=now)
        raise
    content_type, answer = built.account.acknowledgement(arrival)
    query = arrival.url.partition("?")[2]
    values: dict[str, Any] = _identity(built, address, provider) | {
        "digest": sha256(b"\n".join((arrival.method.encode(), query.encode(), arrival.body))).hexdigest(),
        "method": arrival.method,
        "query": query,
        "headers": json.dumps(_kept_headers(arrival)),
        "body": arrival.body,
        "urgent": _URGENT.search(arrival.body) is not None,
        "now": now,
    }
    ((holds, new),) = one_statement(address.tenant_id, KEEP, values)
    return Kept(content_type, answer, new) if holds else None


def _identity(built: _Built, address: HookAddress, provider: str) -> dict[str, Any]:
    return {
        "tenant": address.tenant_id,
        "connection": address.connection_id,
        "generation": address.generation,
        "provider": provider,
        "credentials": built.credentials,
        "settings": built.settings,
    }


def _kept_headers(arrival: Arrival) -> dict[str, str]:
    names = [name for name in arrival.headers if not _NOT_KEPT.match(name)][:_MOST_HEADERS]
    return {name: arrival.headers[name].replace("\x00", "")[:1000] for name in names}


def _ready(address: HookAddress, provider: str) -> _Built | None:
    known: _Built | None = getattr(_built, "by_address", {}).get((address, provider))
    return known if known is not None and monotonic() - known.built_at < KEEP_BUILT_SECONDS else None


def _row(address: HookAddress, provider: str) -> Connection | None:
    rows = Connection.objects.for_tenant(address.tenant_id).select_related("tenant")
    found: Connection | None = rows.filter(
        pk=address.connection_id, hook_generation=address.generation, provider=provider
    ).first()
    return found


def _build(address: HookAddress, provider: str) -> _Built:
    with acting_for(address.tenant_id):
        row = _row(address, provider)
    if row is None:
        raise UnknownAddress("replaced, or of another provider")
    try:
        account = connecting.open_provider(row)
    except (ProviderMisconfigured, UndecipherableSecret) as error:
        raise UnknownAddress("its connection cannot be opened") from error
    if not account.takes_webhooks:
        raise UnknownAddress("this provider reports nothing")
    built = _Built(account, bytes(row.credentials), json.dumps(row.settings), monotonic())
    if not hasattr(_built, "by_address"):
        _built.by_address = {}
    if len(_built.by_address) > 1000:  # many tenants: the oldest are built again when they are needed
        _built.by_address.clear()
    _built.by_address[address, provider] = built
    return built


def _holds(built: _Built, address: HookAddress, provider: str) -> bool:
    with acting_for(address.tenant_id):
        row = _row(address, provider)
    return (
        row is not None and bytes(row.credentials) == built.credentials and json.dumps(row.settings) == built.settings
    )
