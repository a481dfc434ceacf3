"""Apply what providers reported: inbox rows are read, staged and applied in set-based statements, a batch a commit.

Safe to repeat, at once and under kill: a batch is one transaction, and one applier a tenant works at a time. Whoever is
about to send waits for it here: an opt-out that lies unapplied must not be passed by.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, InternalError, OperationalError, connection
from psycopg.errors import LockNotAvailable

from campaigns.tracking import confirming, reputation
from campaigns.tracking.applying_batch import Done, apply_batch
from campaigns.tracking.models import InboxItem
from campaigns.tracking.reading_inbox import take
from tenants.accounts.models import Tenant
from winback.tenancy import acting_for, acting_for_all

logger = logging.getLogger(__name__)

BATCH = 1_000
MOST_ATTEMPTS = 5
AGAIN_AFTER = timedelta(minutes=5)
_CANNOT_BE_APPLIED = (DataError, IntegrityError, InternalError)

WAITING = """
SELECT DISTINCT tenant_id FROM campaigns_inboxitem WHERE state = 'waiting' AND next_try_at <= %(now)s ORDER BY tenant_id
"""


@dataclass
class Applied:
    """How many reports were applied, and how many changed nothing or concern no message of ours."""

    applied: int = 0
    ignored: int = 0

    def add(self, done: Done) -> int:
        self.applied += done.applied
        self.ignored += done.ignored
        return done.taken


def tenants_waiting(*, now: datetime) -> list[int]:
    """The tenants with something to apply, in one look over all of them. Opens its own scope."""
    with acting_for_all("look for reports to apply"), connection.cursor() as cursor:
        cursor.execute(WAITING, {"now": now})
        return [row[0] for row in cursor.fetchall()]


def apply(tenant: Tenant, *, now: datetime, ask: bool = True) -> Applied:
    """Apply everything that waits for this tenant, batch by batch. Opens its own scopes.

    ``ask=False`` asks no provider for anything, for a dry run: the caller rolls back.
    """
    total = Applied()
    bad_news = False
    in_the_way = 0
    while True:
        try:
            with acting_for(tenant.pk):
                done = apply_batch(tenant, now=now, limit=BATCH)
            taken = total.add(done)
            bad_news = bad_news or done.bad_news
            if ask:
                confirming.confirm(tenant, done.to_confirm, now=now)
        except _CANNOT_BE_APPLIED:
            # One of them cannot be applied: each for itself, so that it holds up no other.
            logger.exception("A batch of reports could not be applied for tenant %s", tenant.pk)
            taken = _one_by_one(tenant, total, now=now)
        except OperationalError as error:
            # Somebody records a message of it at this moment, and goes first.
            in_the_way += 1
            if not isinstance(error.__cause__, LockNotAvailable) or in_the_way >= MOST_ATTEMPTS:
                raise
            continue
        if not taken:
            break
    if bad_news:
        with acting_for(tenant.pk):
            reputation.pause_where_due(tenant, now=now)
    return total


def _one_by_one(tenant: Tenant, total: Applied, *, now: datetime) -> int:
    with acting_for(tenant.pk):
        ids = [item.id for item in take(tenant.pk, now=now, limit=BATCH)]
    for item_id in ids:
        try:
            with acting_for(tenant.pk):
                done = apply_batch(tenant, now=now, limit=1, only=item_id)
            total.add(done)
        except _CANNOT_BE_APPLIED as error:
            with acting_for(tenant.pk):
                put_off(tenant, item_id, "not_applied", type(error).__name__, now=now)
    return len(ids)


def put_off(tenant: Tenant, item_id: int, reason: str, detail: str, *, now: datetime) -> None:
    """Try it again later; after some times, show it to staff instead."""
    item = InboxItem.objects.for_tenant(tenant).get(pk=item_id)
    item.attempts += 1
    item.reason, item.detail, item.next_try_at = reason, detail[:300], now + AGAIN_AFTER
    if item.attempts >= MOST_ATTEMPTS:
        item.state, item.next_try_at, item.settled_at = InboxItem.State.UNREADABLE, None, now
    item.save()


def retry(item: InboxItem, *, now: datetime) -> bool:
    """Have a row that was set aside read again, by somebody who mended what was wrong; False when it is not."""
    rows = InboxItem.objects.for_tenant(item.tenant_id).filter(
        pk=item.pk, state__in=[InboxItem.State.UNREADABLE, InboxItem.State.IGNORED]
    )
    return bool(
        rows.exclude(body=b"").update(
            state=InboxItem.State.WAITING, reason="", detail="", attempts=0, next_try_at=now, settled_at=None
        )
    )
