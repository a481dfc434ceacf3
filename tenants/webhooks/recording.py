"""What became of a batch of deliveries, in one statement, and what that says of their endpoints."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from tenants.accounts.models import Tenant
from tenants.webhooks.endpoints import disable
from tenants.webhooks.models import WebhookEndpoint
from tenants.webhooks.retrying import next_try, rest

DISABLED_AFTER = timedelta(days=5)
"""How long nothing may arrive at an endpoint before it is switched off."""
BY_ITSELF = "winback"
GONE = 410

# Only where the claim is still ours: who was slower than the lease finds another's.
RECORD = """
UPDATE tenants_webhookdelivery d
   SET state = r.state, next_try_at = coalesce(r.next_try_at, d.next_try_at),
       attempts = CASE WHEN r.untried THEN greatest(d.attempts - 1, 0) ELSE d.attempts END,
       status = CASE WHEN r.untried THEN d.status ELSE r.status END,
       excerpt = CASE WHEN r.untried THEN d.excerpt ELSE r.excerpt END,
       error = CASE WHEN r.untried THEN d.error ELSE r.error END,
       milliseconds = CASE WHEN r.untried THEN d.milliseconds ELSE r.milliseconds END,
       settled_at = CASE WHEN r.state <> 'waiting' THEN %(now)s::timestamptz END,
       claim_token = NULL, lease_until = NULL
  FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(next)s::timestamptz[], %(untried)s::boolean[],
              %(statuses)s::int[], %(excerpts)s::text[], %(errors)s::text[], %(took)s::int[])
       AS r(id, state, next_try_at, untried, status, excerpt, error, milliseconds)
 WHERE d.tenant_id = %(tenant)s AND d.id = r.id AND d.claim_token = %(token)s AND d.state = 'waiting'
"""


@dataclass(frozen=True)
class Result:
    """What became of one delivery. Put off: it was not tried."""

    delivery_id: int
    endpoint_id: int
    attempts: int
    arrived: bool = False
    status: int | None = None
    excerpt: str = ""
    error: str = ""
    milliseconds: int | None = None
    asked_seconds: float | None = None
    put_off_until: datetime | None = None


def record(tenant: Tenant, token: UUID, results: Sequence[Result], *, now: datetime) -> Counter[str]:
    """Keep what became of them; returns how many arrived, failed, are given up or put off."""
    counts: Counter[str] = Counter()
    columns: dict[str, list[object]] = {
        name: [] for name in ("ids", "states", "next", "untried", "statuses", "excerpts", "errors", "took")
    }
    for result in results:
        state, again, word = _fate(result, now)
        counts[word] += 1
        values = (
            result.delivery_id, state, again, result.put_off_until is not None, result.status, result.excerpt,
            result.error[:300], result.milliseconds,
        )  # fmt: skip
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    with connection.cursor() as cursor:
        cursor.execute(RECORD, {**columns, "tenant": tenant.pk, "token": token, "now": now})
    for endpoint_id in sorted({result.endpoint_id for result in results}):
        tried = [each for each in results if each.endpoint_id == endpoint_id and each.put_off_until is None]
        put_off = [each.put_off_until for each in results if each.endpoint_id == endpoint_id and each.put_off_until]
        _judge(tenant, endpoint_id, tried, max(put_off, default=None), now=now)
    return counts


def _fate(result: Result, now: datetime) -> tuple[str, datetime | None, str]:
    if result.put_off_until is not None:
        return "waiting", result.put_off_until, "put_off"
    if result.arrived:
        return "arrived", None, "arrived"
    again = next_try(result.attempts, now=now, asked_seconds=result.asked_seconds)
    return ("waiting", again, "failed") if again is not None else ("given_up", None, "given_up")


def _judge(
    tenant: Tenant, endpoint_id: int, tried: Sequence[Result], rests_until: datetime | None, *, now: datetime
) -> None:
    """Note how the endpoint fares, and switch off one that says it is gone or has failed for days."""
    rows = WebhookEndpoint.objects.for_tenant(tenant).filter(pk=endpoint_id)
    asked = [now + rest(each.asked_seconds) for each in tried if each.asked_seconds]
    until = max([*asked, *([rests_until] if rests_until is not None and rests_until > now else [])], default=None)
    if until is not None:
        rows.update(rests_until=until)
    if any(each.arrived for each in tried):
        rows.update(failing_since=None, last_arrived_at=now)
    elif tried:
        rows.filter(failing_since=None).update(failing_since=now)
    endpoint = rows.first()
    if endpoint is None:
        return
    if any(each.status == GONE for each in tried):
        disable(endpoint, reason="gone", now=now, actor=BY_ITSELF)
    elif endpoint.failing_since is not None and now - endpoint.failing_since >= DISABLED_AFTER:
        disable(endpoint, reason="failing", now=now, actor=BY_ITSELF)
