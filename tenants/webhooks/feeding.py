"""From the journal to the deliveries: one row for each endpoint and event that it is told of, by one statement.

The journal is read by its ids, and an id can appear after a higher one: its transaction began earlier and ended later.
So each reading notes where the next one begins: at the id that was the last when the oldest transaction **that still
runs now** began, for whatever it writes has a higher one. What is read twice meets the unique key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Min

from tenants.journal.models import Checkpoint
from tenants.webhooks.kinds import KINDS
from tenants.webhooks.models import WebhookEndpoint

NAME = "webhooks"
_MOST_POINTS = 100
_BEGINNING = [0.0, 0]

# In this order, before the journal is read: who begins after the clock was read gets ids above the one that was last
# given before it, and who ended before it is seen by the reading.
LAST_ID = "SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM tenants_event_id_seq"
CLOCK = """
SELECT pg_stat_clear_snapshot(), extract(epoch FROM clock_timestamp())::float8,
       (SELECT extract(epoch FROM min(xact_start))::float8 FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL)
"""

_INTO = """
INSERT INTO tenants_webhookdelivery (tenant_id, endpoint_id, event_id, kind, contact_id, subject_kind, subject_id, data,
                                     occurred_at, state, attempts, next_try_at, excerpt, error, created_at)
SELECT e.tenant_id, w.id, e.id, k.code, e.contact_id, e.subject_kind, e.subject_id, e.data,
       e.occurred_at, 'waiting', 0, %(now)s, '', '', %(now)s
"""
_KINDS = "JOIN unnest(%(codes)s::text[], %(journal)s::text[]) AS k(code, journal)"
# By id alone (“kind || ''” keeps the planner from the index by kind): what is new is little, what there is of a kind
# grows for ever.
FEED = f"""
WITH fresh AS MATERIALIZED (
    SELECT * FROM tenants_event
     WHERE tenant_id = %(tenant)s AND id > %(after)s AND kind || '' = ANY(%(journal)s::text[])
)
{_INTO}
  FROM fresh e
  {_KINDS} ON k.journal = e.kind
  JOIN tenants_webhookendpoint w ON w.tenant_id = e.tenant_id AND k.code = ANY(w.kinds)
 WHERE w.tenant_id = %(tenant)s AND w.state = 'active' AND e.id > w.begins_after
 ORDER BY e.id
ON CONFLICT (tenant_id, endpoint_id, event_id) DO NOTHING
"""
FEED_PERIOD = f"""
{_INTO}
  FROM tenants_webhookendpoint w
  {_KINDS} ON k.code = ANY(w.kinds)
  JOIN tenants_event e ON e.tenant_id = w.tenant_id AND e.kind = k.journal
 WHERE w.tenant_id = %(tenant)s AND w.id = %(endpoint)s AND e.occurred_at >= %(since)s AND e.occurred_at < %(until)s
 ORDER BY e.id
ON CONFLICT (tenant_id, endpoint_id, event_id) DO NOTHING
"""


def last_id() -> int:
    """The last id that the journal gave to anybody."""
    with connection.cursor() as cursor:
        cursor.execute(LAST_ID)
        return int(cursor.fetchone()[0])


def feed(tenant_id: int, *, now: datetime) -> int:
    """Queue what has happened since, for every endpoint in use; how many. Inside the tenant's scope; safe to repeat."""
    active = WebhookEndpoint.objects.for_tenant(tenant_id).filter(state=WebhookEndpoint.State.ACTIVE)
    begins = active.aggregate(first=Min("begins_after"))["first"]
    if begins is None:
        return 0
    checkpoint, _ = Checkpoint.objects.for_tenant(tenant_id).get_or_create(
        tenant_id=tenant_id, name=NAME, defaults={"position": {"points": [_BEGINNING]}, "updated_at": now}
    )
    checkpoint = Checkpoint.objects.for_tenant(tenant_id).select_for_update().get(pk=checkpoint.pk)
    points: list[list[float]] = checkpoint.position["points"]
    last = last_id()
    with connection.cursor() as cursor:
        cursor.execute(CLOCK)
        _, clock, oldest = cursor.fetchone()
        cursor.execute(FEED, {"tenant": tenant_id, "after": max(int(points[0][1]), begins), "now": now, **_kinds()})
        fed = int(cursor.rowcount)
    known = [*points[:1], *points[1:][-_MOST_POINTS:], [clock, last]]
    checkpoint.position = {"points": _from(known, clock if oldest is None else oldest)}
    checkpoint.updated_at = now
    checkpoint.save(update_fields=["position", "updated_at"])
    return fed


def feed_period(endpoint: WebhookEndpoint, *, since: datetime, until: datetime, now: datetime) -> int:
    """Queue what happened in a period and the endpoint was not told of: it was switched off, or did not exist yet."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": endpoint.tenant_id, "endpoint": endpoint.pk, **_kinds()}
        cursor.execute(FEED_PERIOD, values | {"since": since, "until": until, "now": now})
        return int(cursor.rowcount)


def _kinds() -> dict[str, list[str]]:
    return {"codes": list(KINDS), "journal": [kind.journal for kind in KINDS.values()]}


def _from(points: Sequence[list[float]], oldest: float) -> list[list[float]]:
    """The latest point that lies before every running transaction, and those after it. The first lies before all."""
    return list(points[max((number for number, (clock, _) in enumerate(points) if clock <= oldest), default=0) :])
