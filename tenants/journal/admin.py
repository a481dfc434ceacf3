"""The console of what happened: events, the audit of what people did, and background tasks. All of it read-only."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.accounts.console import HistoryAdmin, nothing_yet
from tenants.journal import tasks
from tenants.journal.models import AuditEntry, Event, Task
from winback.console.columns import json_field, pill_column
from winback.console.deeds import deed
from winback.console.formatting import number, percent, words


@admin.register(Event)
class EventAdmin(HistoryAdmin):
    """The journal: what happened, for staff and for rules."""

    console_section = "Insights"
    console_icon = "list"
    console_order = 30
    console_name = "Event log"
    console_empty = nothing_yet("Nothing has happened yet", "Imports, lapses, messages and replies are listed here.")
    list_display = ("kind", "occurred_at", "contact_id", "subject_kind", "subject_id")
    sortable_by = ()
    search_fields = ("kind",)
    search_beginning = str.lower
    search_help_text = "Kind, such as contact.booked"
    linked_by = ("contact_id", "kind")
    fields = ("kind", "occurred_at", "recorded_at", "contact_id", "subject_kind", "subject_id", "facts")
    readonly_fields = ("facts",)
    facts = staticmethod(json_field("data"))


class AuditAdmin(HistoryAdmin):
    """What people and keys did, chained by hash. Registered by access, which knows their names."""

    view_permission = "audit.view"
    console_section = "Settings"
    console_icon = "shield"
    console_order = 90
    console_name = "Audit log"
    console_many = "entries"
    list_display = ("sequence", "action", "who", "subject_kind", "subject_id", "occurred_at")
    sortable_by = ("sequence",)
    ordering = ("-sequence",)
    search_fields = ("action",)
    search_beginning = str.lower
    search_help_text = "Action, such as campaign.paused"
    fields = ("sequence", "action", "who", "subject_kind", "subject_id", "occurred_at", "what", "previous_hash", "hash")
    readonly_fields = ("what", "who")
    what = staticmethod(json_field("data", "Details"))

    @admin.display(description="Who")
    def who(self, entry: AuditEntry) -> str:
        """Numbers stand in the chain."""
        return str(getattr(entry, "name_of_actor", entry.actor))


class TaskAdmin(HistoryAdmin):
    """Background work with its progress. Registered by campaigns/audience, which knows what is asked while it waits."""

    figures: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """How the figures of a kind of task are called, in their order."""
    console_section = "Operations"
    console_icon = "tasks"
    console_order = 10
    console_empty = nothing_yet(
        "All quiet", "Long work, such as a large export, shows its progress here.", icon="tasks"
    )
    list_display = ("title", "kind", pill_column("state"), "progress", "created_at", "finished_at")
    sortable_by = ("created_at",)
    ordering = ("-created_at", "-pk")
    list_filter = ("state", "kind")
    change_form_template = "tenants/task.html"
    fields = (
        "title", "kind", "state", "progress", "error", "who", "created_at", "started_at", "finished_at", "asked",
    )  # fmt: skip
    readonly_fields = ("progress", "asked", "who")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        notes = [{"tone": "bad", "text": row.error}] if row.error else []
        told = dict(row.result)
        if page := told.pop("page", ""):
            notes.append({"tone": "info", "text": "The rest of it:", "url": page, "action": "see what it brought"})
        names = self.figures.get(row.kind, {})
        known = [(label, _told(told.pop(name))) for name, label in names.items() if name in told]
        return {
            "pills": [row.state],
            "notes": notes,
            "facts": [*known, *((words(name), _told(value)) for name, value in told.items())],
            "is_open": row.state in (Task.State.QUEUED, Task.State.RUNNING),
        }

    @admin.display(description="Created by")
    def who(self, task: Task) -> str:
        """Kept by number: whoever registers this knows the names."""
        return task.created_by or "–"

    @admin.display(description="Asked")
    def asked(self, task: Task) -> str:
        """What it was asked to do; a file that is still to be read is not shown."""
        told = {name: value for name, value in task.arguments.items() if isinstance(value, str | int)}
        return ", ".join(f"{words(name).lower()} {value}" for name, value in told.items()) or "–"

    @admin.display(description="Progress")
    def progress(self, task: Task) -> str:
        if not task.total:
            return "–"
        if task.state == Task.State.DONE:  # the total was a guess: rows that belong together are counted once
            return f"{percent(1, 0)} · {number(task.done)}"
        return f"{percent(min(task.done / task.total, 1), 0)} · {number(task.done)} of {number(task.total)}"

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["cancel"] if row.state in (Task.State.QUEUED, Task.State.RUNNING) else []

    @deed("Cancel", permission="contacts.edit", tone="danger")
    def cancel(self, request: HttpRequest, task: Task) -> HttpResponseBase | None:
        if tasks.cancel(task, now=timezone.now()):
            self.site.hooks.note(request, "task.cancelled", task, {"kind": task.kind})
            self.message_user(request, f"“{task.title}” is cancelled.")
        else:
            self.message_user(request, f"“{task.title}” had already ended.", messages.WARNING)
        return None


def _told(value: Any) -> str:
    """A value of a task's result as a person reads it."""
    if value is None or isinstance(value, bool):
        return "Yes" if value else "None"
    return number(value) if isinstance(value, int | float) else str(value)
