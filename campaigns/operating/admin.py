"""The console of what spans the rooms: the pages of contacts, campaigns and messages, the schedule, simulations."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from campaigns.operating import campaign_page, connection_page, contact_page, message_page, privacy_page, webhook_page
from campaigns.operating.models import ScheduledTask, SimulatedDay
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.admin_base import ReadOnlyAdmin
from winback.console.columns import json_field


@admin.register(ScheduledTask)
class ScheduledTaskAdmin(ReadOnlyAdmin):
    """The regular work of the platform, for its staff."""

    console_section = "Operations"
    console_icon = "clock"
    console_order = 40
    console_name = "Schedule"
    console_empty = nothing_yet(
        "Nothing is scheduled yet", "manage.py serve fills this in when it starts.", icon="clock"
    )
    list_display = ("code", "every", "next_due_at", "last_started_at", "last_finished_at", "last_error")
    ordering = ("code",)
    fields = ("code", "every", "next_due_at", "last_started_at", "last_finished_at", "last_error")
    readonly_fields = ("every",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.site.permits(request, "platform")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="Every")
    def every(self, task: ScheduledTask) -> str:
        for seconds, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
            number, rest = divmod(task.every_seconds, seconds)
            if number and not rest:
                return f"{number} {unit}{'' if number == 1 else 's'}"
        return f"{task.every_seconds} seconds"


@admin.register(SimulatedDay)
class SimulatedDayAdmin(HistoryAdmin):
    """Days that were simulated in a sandbox."""

    console_section = "Operations"
    console_icon = "calendar"
    console_order = 50
    console_empty = nothing_yet(
        "Nothing was simulated", "manage.py simulate runs a sandbox day by day.", icon="calendar"
    )
    list_display = ("day",)
    sortable_by = ("day",)
    ordering = ("-day", "-pk")
    fields = ("day", "report")
    readonly_fields = ("report",)
    report = staticmethod(json_field("result"))


__all__ = ["campaign_page", "connection_page", "contact_page", "message_page", "privacy_page", "webhook_page"]
