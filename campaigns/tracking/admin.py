"""The console of what came back: booking requests to answer, and interactions."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.tracking import answering
from campaigns.tracking.models import BookingRequest, Interaction
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.columns import json_field, link_column, pill_column
from winback.console.deeds import deed

_ASKED, _YES, _NO = BookingRequest.State.REQUESTED, BookingRequest.State.CONFIRMED, BookingRequest.State.DECLINED


@admin.register(BookingRequest)
class BookingRequestAdmin(HistoryAdmin):
    """Visits that customers asked for, waiting for an answer."""

    console_section = "Campaigns"
    console_icon = "calendar"
    console_order = 35
    console_empty = nothing_yet(
        "No booking requests yet",
        "What customers ask for on your booking page waits here for your answer.",
        icon="calendar",
    )
    list_display = (
        "__str__",
        link_column("contact"),
        "service",
        "preferred_on",
        "preferred_time",
        pill_column("state"),
        "created_at",
    )
    list_select_related = ("contact",)
    list_filter = ("state",)
    linked_by = ("contact",)
    sortable_by = ("created_at",)
    ordering = ("-created_at", "-pk")
    fields = (
        "state", "who", "service", "preferred_on", "preferred_time", "name", "phone", "email", "note", "by",
        "created_at",
    )  # fmt: skip
    readonly_fields = ("who", "by")
    who = staticmethod(link_column("contact"))
    by = staticmethod(link_column("message", "After the message"))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        note = {"tone": "info", "text": "Call or write to the customer to agree on a time, then say here how it ended."}
        return {"pills": [row.state], "notes": [note] if row.state == _ASKED else []}

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["accept", "decline"] if row.state == _ASKED else []

    @deed("Confirm", permission="bookings.answer", tone="primary", icon="check")
    def accept(self, request: HttpRequest, booking: BookingRequest) -> HttpResponseBase | None:
        return self._answer(request, booking, _YES, "confirmed")

    @deed("Decline", permission="bookings.answer")
    def decline(self, request: HttpRequest, booking: BookingRequest) -> HttpResponseBase | None:
        return self._answer(request, booking, _NO, "declined")

    def _answer(self, request: HttpRequest, booking: BookingRequest, state: str, word: str) -> HttpResponseBase | None:
        actor = self.site.hooks.actor(request)
        if answering.answer(booking, state, now=timezone.now(), actor=actor):
            self.site.hooks.changed(request)
            self.message_user(request, f"The request is {word}.")
        else:
            self.message_user(request, f"The request was answered already: {booking.state}.", messages.WARNING)
        return None


@admin.register(Interaction)
class InteractionAdmin(HistoryAdmin):
    """Delivered, bounced, clicked, replied, unsubscribed, booked."""

    console_section = "Insights"
    console_icon = "mail"
    console_order = 20
    console_empty = nothing_yet("Nothing came back yet", "Clicks, replies and opt-outs are listed here.", icon="mail")
    list_display = ("__str__", pill_column("kind"), link_column("contact"), link_column("message"), "occurred_at")
    list_select_related = ("contact", "message")
    list_filter = ("kind",)
    linked_by = ("contact", "message")
    sortable_by = ()
    fields = ("kind", "who", "what", "occurred_at", "more")
    readonly_fields = ("who", "what", "more")
    who = staticmethod(link_column("contact"))
    what = staticmethod(link_column("message"))
    more = staticmethod(json_field("data", "Details"))
