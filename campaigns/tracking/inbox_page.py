"""The console of what providers reported: what waits, what could not be read, and why."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.tracking import applying, jobs, refusals
from campaigns.tracking.models import InboxItem
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.columns import code_column, link_column, pill_column
from winback.console.deeds import deed
from winback.queues import REPLIES, enqueue

_ASIDE = (InboxItem.State.UNREADABLE, InboxItem.State.IGNORED)


@admin.register(InboxItem)
class InboxItemAdmin(HistoryAdmin):
    """Requests of providers at our webhooks."""

    console_section = "Operations"
    console_icon = "mail"
    console_order = 25
    console_name = "Provider reports"
    console_many = "provider reports"
    console_empty = nothing_yet(
        "No provider has reported anything yet",
        "Deliveries, bounces and opt-outs arrive here once the provider knows the webhook address of its connection.",
        icon="mail",
        action="Open the connections",
        url="/console/tenants/connection/",
    )
    list_display = (
        "__str__", link_column("connection"), pill_column("state"), code_column("reason", "Why"), "applied", "ignored",
        "received_at",
    )  # fmt: skip
    list_select_related = ("connection",)
    list_filter = ("state", "connection")
    linked_by = ("connection",)
    sortable_by = ()
    ordering = ("-received_at", "-pk")
    fields = (
        "by", "state", "why", "detail", "attempts", "next_try_at", "applied", "ignored", "received_at", "settled_at",
        "size",
    )  # fmt: skip
    readonly_fields = ("by", "why", "size")
    by = staticmethod(link_column("connection", "Reported by"))
    why = staticmethod(code_column("reason", "Why"))

    @admin.display(description="Size")
    def size(self, item: InboxItem) -> str:
        length = len(item.body)
        return f"{length:,} bytes" if length else "Emptied: it was kept for some days after it was applied"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        notes = []
        if row.state == InboxItem.State.UNREADABLE:
            text = "This came from the provider, but could not be read. Nothing of it was applied. Read it again after "
            notes.append({"tone": "warn", "text": f"{text}an update, or ask the provider what it sends."})
        if row.reason == "message_not_known_yet":
            notes.append({"tone": "info", "text": "It names a message that is not known yet, and is tried again."})
        told = refusals.of_connections(row.tenant_id, [row.connection_id], now=timezone.now())
        if refused := told.get(row.connection_id):
            text = f"{refused:,} requests to this connection’s webhook were refused lately: they did not show who sent "
            notes.append({"tone": "warn", "text": f"{text}them. If that was the provider, its secret is another."})
        return {"pills": [row.state], "notes": notes}

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["read_again"] if row.state in _ASIDE and len(row.body) else []

    @deed("Read again", permission="connections.manage", tone="primary", icon="play")
    def read_again(self, request: HttpRequest, item: InboxItem) -> HttpResponseBase | None:
        if applying.retry(item, now=timezone.now()):
            enqueue(jobs.apply_events, unique=f"apply-{item.tenant_id}", queue=REPLIES, tenant=item.tenant_id)
            self.site.hooks.note(request, "inboxitem.read_again", item, {})
            self.site.hooks.changed(request)
            self.message_user(request, "It is read again now: reload this page in a few seconds.")
        else:
            self.message_user(request, "There is nothing to read again.", messages.WARNING)
        return None
