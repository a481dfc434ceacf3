"""Take rows of the inbox and read what they report, each by the provider that sent it. Nobody is asked anything."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.account import ProviderAccount
from winback.providers.errors import ProviderError
from winback.providers.receiving import Arrival, NotUnderstood, Report

logger = logging.getLogger(__name__)

_LOCK = 7 << 48  # of advisory locks: apart from those of other deeds

MOST_BYTES = 4 * 1024 * 1024
"""Of bodies at once: however long they are, an applier's memory is bounded."""

# The advisory lock keeps other appliers away: the rows themselves need none.
TAKE = """
SELECT id, connection_id, method, query, headers, body, received_at
  FROM (SELECT *, sum(octet_length(body)) OVER (ORDER BY urgent DESC, id) - octet_length(body) AS before
          FROM campaigns_inboxitem
         WHERE tenant_id = %(tenant)s AND state = 'waiting' AND next_try_at <= %(now)s
         ORDER BY urgent DESC, id
         LIMIT %(limit)s) first
 WHERE before < %(bytes)s
 ORDER BY urgent DESC, id
"""


@dataclass(frozen=True)
class Item:
    """An inbox row, taken."""

    id: int
    connection_id: int
    arrival: Arrival


def take(tenant_id: int, *, now: datetime, limit: int, only: int | None = None) -> list[Item]:
    """Take rows of the inbox, those first that may forbid something."""
    keep_others_out(tenant_id)
    with connection.cursor() as cursor:
        statement = TAKE if only is None else TAKE.replace("AND state", "AND id = %(only)s AND state")
        cursor.execute(statement, {"tenant": tenant_id, "now": now, "limit": limit, "bytes": MOST_BYTES, "only": only})
        rows = cursor.fetchall()
    return [
        # Django leaves jsonb as text where a statement is our own.
        Item(id_, connection_id, Arrival(_url(query), json.loads(headers), bytes(body), received_at, method))
        for id_, connection_id, method, query, headers, body, received_at in rows
    ]


def keep_others_out(tenant_id: int) -> None:
    """Whoever takes rows of the inbox next waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK + tenant_id])


def _url(query: str) -> str:
    """What reading needs of the address: the query. Its token is not kept."""
    return f"{settings.WINBACK_PUBLIC_URL}/hooks/" + (f"?{query}" if query else "")


class Accounts:
    """The providers of a batch, each built once. Reading asks nobody."""

    def __init__(self, connections: dict[int, Connection]) -> None:
        self.connections = connections
        self.opened: dict[int, ProviderAccount] = {}

    def __enter__(self) -> "Accounts":
        return self

    def __exit__(self, *_: object) -> None:
        for account in self.opened.values():
            account.close()

    def read(self, item: Item) -> Sequence[Report]:
        """Its reports; raises NotUnderstood whatever goes wrong with this one."""
        try:
            if item.connection_id not in self.opened:
                self.opened[item.connection_id] = connecting.open_provider(self.connections[item.connection_id])
            return self.opened[item.connection_id].read(item.arrival)
        except NotUnderstood:
            raise
        except (ProviderError, UndecipherableSecret) as error:
            raise NotUnderstood(f"Its connection cannot be opened: {error}") from error
        except Exception as error:  # a provider's oddity must not stop the reports of all others
            logger.exception("Inbox item %s cannot be read", item.id)
            raise NotUnderstood(f"Reading it failed ({type(error).__name__}).") from error
