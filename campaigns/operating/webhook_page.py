"""The console of webhooks, with a worker that looks at once after somebody did something."""

from django.contrib import admin
from django.http import HttpRequest

from campaigns.operating import jobs
from tenants.webhooks.admin import EndpointAdmin
from tenants.webhooks.delivery_page import DeliveryAdmin
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from winback.queues import DEFAULT, enqueue


def _wake(tenant_id: int) -> None:
    enqueue(jobs.deliver_webhooks, unique=f"webhooks-{tenant_id}", queue=DEFAULT, tenant=tenant_id)


@admin.register(WebhookEndpoint)
class WokenEndpointAdmin(EndpointAdmin):
    """Its test and its replay leave at once."""

    def wake(self, request: HttpRequest, endpoint: WebhookEndpoint) -> None:
        _wake(endpoint.tenant_id)


@admin.register(WebhookDelivery)
class WokenDeliveryAdmin(DeliveryAdmin):
    """What is sent again leaves at once."""

    def wake(self, request: HttpRequest, delivery: WebhookDelivery) -> None:
        _wake(delivery.tenant_id)
