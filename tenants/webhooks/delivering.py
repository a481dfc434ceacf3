"""Deliveries on their way: claimed in batches under a lease, sent over a few connections at once, recorded.

At least once: who dies between the call and its record leaves a lease that runs out, and the delivery is sent again
with the same webhook-id. An endpoint that does not answer stops its lane: what stood behind it used no try.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from time import monotonic
from uuid import UUID, uuid4

from django.db import connection

from tenants.accounts.models import Tenant
from tenants.webhooks import signing
from tenants.webhooks.calling import Connect, Lane, Parcel, connect, send
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.webhooks.payloads import People, body_of, webhook_id
from tenants.webhooks.recording import record
from winback.encryption import UndecipherableSecret
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

BATCH = 40
"""Of one endpoint at a time, so that none waits behind another's backlog."""
LANES = 4
THREADS = 8
LEASE_SECONDS = 300
RUN_SECONDS = 60.0

CLAIM = """
WITH due AS (
    SELECT d.id
      FROM tenants_webhookendpoint w
     CROSS JOIN LATERAL (
           SELECT x.id FROM tenants_webhookdelivery x
            WHERE x.tenant_id = w.tenant_id AND x.endpoint_id = w.id AND x.state = 'waiting'
              AND x.next_try_at <= %(now)s AND (x.lease_until IS NULL OR x.lease_until < clock_timestamp())
            ORDER BY x.next_try_at, x.id
            LIMIT %(batch)s
              FOR UPDATE SKIP LOCKED) d
     WHERE w.tenant_id = %(tenant)s AND w.state = 'active' AND (w.rests_until IS NULL OR w.rests_until <= %(now)s)
)
UPDATE tenants_webhookdelivery d
   SET claim_token = %(token)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
       attempts = d.attempts + 1, tried_at = %(now)s
  FROM due
 WHERE d.tenant_id = %(tenant)s AND d.id = due.id
RETURNING d.id
"""


def deliver(
    tenant: Tenant,
    *,
    now: datetime,
    people: People,
    connect: Connect = connect,
    for_seconds: float = RUN_SECONDS,
) -> dict[str, int]:
    """Send what is due until nothing is, or time is up; returns arrived, failed, given_up and put_off.

    Opens its own scopes: no call is made inside a transaction.
    """
    counts: Counter[str] = Counter()
    started = monotonic()
    while monotonic() - started < for_seconds:
        token = uuid4()
        with acting_for(tenant.pk):
            lanes = _claim(tenant, token, people, now=now)
        if not lanes:
            break
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as threads:
            results = [result for each in threads.map(lambda lane: send(lane, connect, now), lanes) for result in each]
        with acting_for(tenant.pk):
            counts.update(record(tenant, token, results, now=now))
    return {name: counts[name] for name in ("arrived", "failed", "given_up", "put_off")}


def _claim(tenant: Tenant, token: UUID, people: People, *, now: datetime) -> list[Lane]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, {"tenant": tenant.pk, "now": now, "token": token, "batch": BATCH, "lease": LEASE_SECONDS})
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        return []
    rows = WebhookDelivery.objects.for_tenant(tenant).filter(pk__in=ids).select_related("endpoint")
    claimed = list(rows.order_by("endpoint_id", "next_try_at", "pk"))
    known = people(tenant.pk, {row.contact_id for row in claimed if row.contact_id is not None})
    by_endpoint: dict[int, list[WebhookDelivery]] = {}
    for row in claimed:
        by_endpoint.setdefault(row.endpoint_id, []).append(row)
    lanes = []
    for rows_of_one in by_endpoint.values():
        endpoint = rows_of_one[0].endpoint
        try:
            secrets = signing.opened(endpoint.secrets)
        except UndecipherableSecret:
            logger.exception("The secret of webhook endpoint %s cannot be opened", endpoint.pk)
            secrets = []
        parcels = [_packed(row, endpoint, known, tenant) for row in rows_of_one]
        lanes += [
            Lane(endpoint.pk, endpoint.url, secrets, parcels[number::LANES])
            for number in range(min(LANES, len(parcels)))
        ]
    return lanes


def _packed(
    row: WebhookDelivery, endpoint: WebhookEndpoint, known: Mapping[int, Mapping[str, str]], tenant: Tenant
) -> Parcel:
    person = known.get(row.contact_id) if row.contact_id is not None else None
    body = body_of(row, person, personal=endpoint.personal, sandbox=tenant.sandbox)
    return Parcel(row.pk, row.attempts, webhook_id(row), body)
