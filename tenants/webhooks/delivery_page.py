"""The console of what endpoints were told. Operating registers it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.safestring import SafeString

from tenants.accounts.console import HistoryAdmin, nothing_yet
from tenants.webhooks import replaying
from tenants.webhooks.admin import MANAGE
from tenants.webhooks.models import WebhookDelivery
from tenants.webhooks.payloads import webhook_id
from winback.console.columns import json_field, link_column
from winback.console.deeds import deed
from winback.console.templatetags.console import pill


class DeliveryAdmin(HistoryAdmin):
    """Each thing that an endpoint was told, and what it answered."""

    view_permission = MANAGE
    console_section = "Operations"
    console_icon = "list"
    console_order = 41
    console_name = "Webhook deliveries"
    console_many = "deliveries"
    console_empty = nothing_yet("Nothing was delivered yet", "Add an endpoint under Webhooks and send it a test.")
    list_display = (
        "kind", link_column("endpoint"), "fate", "status", "attempts", "error", "occurred_at",
        "next_try",
    )  # fmt: skip
    list_select_related = ("endpoint",)
    list_filter = ("state", "endpoint")
    sortable_by = ()
    linked_by = ("endpoint",)
    fields = (
        "kind", "where", "webhook_id", "state", "occurred_at", "attempts", "tried_at", "next_try", "status", "excerpt",
        "error", "milliseconds", "told",
    )  # fmt: skip
    readonly_fields = ("where", "webhook_id", "next_try", "told")
    where = staticmethod(link_column("endpoint"))
    told = staticmethod(json_field("data", "From the journal"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("endpoint")

    @admin.display(description="State")
    def fate(self, delivery: WebhookDelivery) -> SafeString:
        return pill(delivery.state, "bad" if delivery.state == WebhookDelivery.State.GIVEN_UP else "")

    @admin.display(description="webhook-id")
    def webhook_id(self, delivery: WebhookDelivery) -> str:
        return webhook_id(delivery)

    @admin.display(description="Next try")
    def next_try(self, delivery: WebhookDelivery) -> Any:
        return delivery.next_try_at if delivery.state == WebhookDelivery.State.WAITING else "–"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"pills": [row.state]}

    @deed("Send again", permission=MANAGE, tone="primary", icon="send")
    def send_again(self, request: HttpRequest, delivery: WebhookDelivery) -> HttpResponseBase | None:
        if replaying.replay_one(delivery, now=timezone.now(), actor=self.site.hooks.actor(request)):
            self.wake(request, delivery)
            self.message_user(request, "It is sent again, with the same webhook-id.")
        else:
            self.message_user(request, "It is being sent right now.", messages.WARNING)
        return None

    def wake(self, request: HttpRequest, delivery: WebhookDelivery) -> None:
        """As an endpoint's."""
