"""What needs a person of the tenant's own systems that are told by webhook."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tenants.accounts.models import Tenant
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from winback.console import formatting
from winback.console.columns import address_of
from winback.console.components import Attention

FAILING_FOR = timedelta(hours=1)
LATELY = timedelta(days=14)
_WHY = {
    "gone": "It answered that it wants to hear no more (410).",
    "failing": "Nothing had arrived there for five days.",
}


def webhooks(tenant: Tenant, now: datetime) -> Iterator[Attention]:
    """Endpoints that were switched off by themselves, fail for an hour, or missed something for good."""
    for endpoint in WebhookEndpoint.objects.for_tenant(tenant).order_by("pk"):
        if endpoint.state == WebhookEndpoint.State.DISABLED and endpoint.disabled_reason in _WHY:
            yield Attention(
                "broken",
                f"The webhook to {endpoint} is switched off",
                f"{_WHY[endpoint.disabled_reason]} Put it right, switch it on, and send again what it has missed.",
                "Look at it",
                address_of(endpoint),
                endpoint.disabled_at,
            )
        elif endpoint.failing_since is not None and now - endpoint.failing_since >= FAILING_FOR:
            yield Attention(
                "check",
                f"The webhook to {endpoint} does not arrive",
                f"Since {formatting.moment(endpoint.failing_since, tenant.timezone)}. Each is tried for three days.",
                "Look at it",
                address_of(endpoint),
                endpoint.failing_since,
            )
        lost = WebhookDelivery.objects.for_tenant(tenant).filter(
            endpoint=endpoint, state=WebhookDelivery.State.GIVEN_UP, settled_at__gt=now - LATELY
        )
        number = lost.count()
        if number:
            yield Attention(
                "check",
                f"{number:,} webhook{'s' if number > 1 else ''} to {endpoint} did not arrive",
                "Every try has failed. They can be sent again.",
                "See them",
                f"/console/tenants/webhookdelivery/?endpoint__id__exact={endpoint.pk}&state__exact=given_up",
            )
