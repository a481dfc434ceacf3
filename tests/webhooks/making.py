"""Endpoints, events, and somebody who listens."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from campaigns.audience.known import known_to
from tenants.accounts.models import Tenant
from tenants.journal.recording import record
from tenants.webhooks import delivering, endpoints, feeding
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests import factories
from tests.providers.http_server import PATIENCE
from winback.providers.tenant_calls import Caller
from winback.providers.tenant_urls import Rules

NOW = factories.NOW
HERE = Rules(private=True)


def make_endpoint(tenant: Tenant, url: str = "https://hooks.example.com/winback", **wanted: Any) -> WebhookEndpoint:
    """An endpoint told of lapses and of everything about messages."""
    wanted.setdefault("kinds", ["customer.dormant", "message.sent", "message.bounced", "contact.unsubscribed"])
    endpoint, _ = endpoints.create(tenant, endpoints.Wanted(url, **wanted), now=NOW, actor="test")
    return endpoint


def happen(tenant: Tenant, kind: str = "customer.dormant", *, now: datetime = NOW, **told: Any) -> None:
    """Something that the journal notes."""
    data = told.pop("data", {"cohort": 6, "episode": 77, "lapsed_from": "2026-03-01T12:00:00+00:00"})
    record(kind, tenant_id=tenant.pk, now=now, data=data, **told)


def feed(tenant: Tenant, *, now: datetime = NOW) -> int:
    return feeding.feed(tenant.pk, now=now)


def deliver(tenant: Tenant, *, now: datetime = NOW, connect: Any = None, seconds: float = PATIENCE) -> dict[str, int]:
    """One round; addresses of this machine may be called, unlike in earnest."""
    return delivering.deliver(
        tenant, now=now, people=known_to, connect=connect or (lambda url: Caller(url, HERE, seconds=seconds))
    )


def one_event(tenant: Tenant, url: str, **wanted: Any) -> WebhookEndpoint:
    """An endpoint for which one event waits."""
    endpoint = make_endpoint(tenant, url, **wanted)
    happen(tenant)
    feed(tenant)
    return endpoint


def only(tenant: Tenant) -> WebhookDelivery:
    delivery: WebhookDelivery = WebhookDelivery.objects.for_tenant(tenant).get()
    return delivery


def nobody(tenant_id: int, ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    return {}
