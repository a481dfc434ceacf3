"""Outgoing webhooks as one piece of work: read the journal, send what is due."""

from datetime import datetime

from campaigns.audience.known import known_to
from tenants.accounts.models import Tenant
from tenants.webhooks import delivering, feeding
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from winback.tenancy import acting_for, acting_for_all


def tenants_told() -> list[int]:
    """Those with an endpoint in use."""
    with acting_for_all("outgoing webhooks"):
        rows = WebhookEndpoint.objects.filter(state=WebhookEndpoint.State.ACTIVE, tenant__state=Tenant.State.ACTIVE)
        return sorted(set(rows.values_list("tenant_id", flat=True)))


def work(tenant: Tenant, *, now: datetime) -> dict[str, int]:
    """Queue what has happened and send what is due; opens its own scopes."""
    with acting_for(tenant.pk):
        queued = feeding.feed(tenant.pk, now=now)
    return {"queued": queued, **delivering.deliver(tenant, now=now, people=known_to)}


def still_due(tenant: Tenant, *, now: datetime) -> bool:
    """Whether something could be sent at once."""
    with acting_for(tenant.pk):
        rows = WebhookDelivery.objects.for_tenant(tenant).filter(
            state=WebhookDelivery.State.WAITING,
            next_try_at__lte=now,
            lease_until=None,
            endpoint__state=WebhookEndpoint.State.ACTIVE,
        )
        return bool(rows.exclude(endpoint__rests_until__gt=now).exists())
