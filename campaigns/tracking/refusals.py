"""How often somebody came to a webhook's true address and could not show that it was the provider.

A number a day and connection, in the queue's server: what anybody can cause must not fill a table.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from redis.exceptions import RedisError

from winback.queues import get_queue

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=3)


def _key(now: datetime) -> str:
    return f"winback:hooks:refused:{now.date().isoformat()}"


def count(tenant_id: int, connection_id: int, *, now: datetime) -> None:
    """One more. A queue that is down counts nothing."""
    try:
        server = get_queue("default").connection
        server.hincrby(_key(now), f"{tenant_id}:{connection_id}", 1)
        server.expire(_key(now), KEPT_FOR)
    except RedisError:
        logger.warning("A webhook of connection %s was refused, and could not be counted.", connection_id)


def of_connections(tenant_id: int, connection_ids: Sequence[int], *, now: datetime) -> dict[int, int]:
    """How many there were today and yesterday (UTC), by connection; asked in one round trip a day."""
    if not connection_ids:
        return {}
    fields = [f"{tenant_id}:{connection_id}" for connection_id in connection_ids]
    try:
        server = get_queue("default").connection
        days = [server.hmget(_key(day), fields) for day in (now, now - timedelta(days=1))]
    except RedisError:
        return {}
    counts = (sum(int(number or 0) for number in numbers) for numbers in zip(*days, strict=True))
    return dict(zip(connection_ids, counts, strict=True))


def today(*, now: datetime) -> int:
    """How many there were today over all connections."""
    try:
        return sum(int(number) for number in get_queue("default").connection.hvals(_key(now)))
    except RedisError:
        return 0
