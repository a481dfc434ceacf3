"""Sending again because a person says so, and forgetting what is old."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from tenants.accounts.models import Tenant
from tenants.journal import audit
from tenants.webhooks.feeding import feed_period
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint

State = WebhookDelivery.State
ARRIVED_KEPT, GIVEN_UP_KEPT, WAITING_KEPT = timedelta(days=30), timedelta(days=90), timedelta(days=90)


class NoPeriod(ValueError):
    """The period to replay ends before it begins."""


@dataclass(frozen=True)
class Replayed:
    """``again``: known and sent again; ``missed``: from the journal, never told before."""

    again: int
    missed: int


def replay_one(delivery: WebhookDelivery, *, now: datetime, actor: str) -> bool:
    """Send one again from the beginning of its tries, with the same webhook-id; False while it is being sent."""
    rows = WebhookDelivery.objects.for_tenant(delivery.tenant_id).filter(pk=delivery.pk)
    done = _again(rows, now=now)
    if done:
        data = {"endpoint": delivery.endpoint_id, "kind": delivery.kind}
        audit.append(
            delivery.tenant_id, actor=actor, action="webhook.replayed", now=now, subject=delivery, data=data
        )  # fmt: skip
    return bool(done)


def replay(
    endpoint: WebhookEndpoint, *, since: datetime, until: datetime, arrived_too: bool = False, now: datetime, actor: str
) -> Replayed:
    """Send again what happened in a period and did not arrive (or all of it), and what was never told."""
    if until <= since:
        raise NoPeriod("The period must end after it begins.")
    rows = WebhookDelivery.objects.for_tenant(endpoint.tenant_id).filter(
        endpoint=endpoint, occurred_at__gte=since, occurred_at__lt=until, event_id__isnull=False
    )
    again = _again(rows if arrived_too else rows.exclude(state=State.ARRIVED), now=now)
    missed = feed_period(endpoint, since=since, until=until, now=now)
    audit.append(
        endpoint.tenant_id,
        actor=actor,
        action="webhook.period_replayed",
        now=now,
        subject=endpoint,
        data={"since": since, "until": until, "again": again, "missed": missed},
    )
    return Replayed(again, missed)


def _again(rows: QuerySet[WebhookDelivery], *, now: datetime) -> int:
    free = rows.filter(Q(lease_until__isnull=True) | ~Q(state=State.WAITING))
    return int(free.update(state=State.WAITING, attempts=0, next_try_at=now, settled_at=None, claim_token=None))


def tidy(tenant: Tenant, *, now: datetime) -> int:
    """Forget old deliveries; the journal still has the events."""
    rows = WebhookDelivery.objects.for_tenant(tenant)
    old = rows.filter(
        Q(state=State.ARRIVED, settled_at__lt=now - ARRIVED_KEPT)
        | Q(state=State.GIVEN_UP, settled_at__lt=now - GIVEN_UP_KEPT)
        | Q(state=State.WAITING, created_at__lt=now - WAITING_KEPT, endpoint__state=WebhookEndpoint.State.DISABLED)
    )
    gone, _ = old.delete()
    return gone
