"""The console of the catalog: read-only, the same for every tenant. Modules are registered by activation."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from catalog.models import Guard, MessageTemplate, Niche, Plan, QuietHoursRule, Workflow
from winback.console.admin_base import ReadOnlyAdmin
from winback.console.columns import json_field
from winback.console.templatetags.console import pill


class CatalogAdmin(ReadOnlyAdmin):
    """Content that sync_catalog loads from catalog/data."""

    console_section = "Settings"
    search_fields: ClassVar[tuple[str, ...]] = ("name__istartswith", "code__startswith")
    fields: ClassVar[tuple[str, ...]] = ("code", "name", "details", "checksum", "synced_at")
    readonly_fields: ClassVar[tuple[str, ...]] = ("details",)
    list_display: Any = ("name", "code", "synced_at")
    ordering: ClassVar[tuple[str, ...]] = ("code",)
    details = staticmethod(json_field("content"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.site.permits(request, "view") or self.site.permits(request, "platform")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


@admin.register(Niche)
class NicheAdmin(CatalogAdmin):
    """Kinds of business."""

    console_icon = "briefcase"
    console_order = 60


@admin.register(Plan)
class PlanAdmin(CatalogAdmin):
    """What is sold."""

    console_icon = "layers"
    console_order = 55
    ordering = ("position", "code")


@admin.register(Guard)
class GuardAdmin(CatalogAdmin):
    """The rules over the words of outgoing messages."""

    console_icon = "shield"
    console_order = 61
    list_display = ("name", "code", "asks")

    @admin.display(description="What it asks")
    def asks(self, guard: Guard) -> str:
        return str(guard.content.get("asks", ""))


@admin.register(Workflow)
class WorkflowAdmin(CatalogAdmin):
    """Sequences of steps; every version is kept."""

    console_section = "Automation"
    console_icon = "flow"
    console_order = 30
    list_display = ("name", "code", "version", "synced_at")
    fields = ("code", "version", "name", "details", "checksum", "synced_at")
    ordering = ("code", "-version")


@admin.register(MessageTemplate)
class MessageTemplateAdmin(CatalogAdmin):
    """The words of each step; every version is kept, so that what was sent stays readable."""

    console_section = "Campaigns"
    console_icon = "template"
    console_order = 70
    console_name = "Templates"
    list_display = ("name", "medium", "subject", "version", "code")
    list_filter = ("channel",)
    fields = ("code", "version", "channel", "name", "subject", "preheader", "words", "markup", "checksum", "synced_at")
    readonly_fields = ("words", "markup")
    ordering = ("code", "channel", "-version")
    words = staticmethod(json_field("text", "Text"))
    markup = staticmethod(json_field("mjml", "MJML"))

    @admin.display(description="Channel", ordering="channel")
    def medium(self, template: MessageTemplate) -> str:
        return pill(template.channel, "plain")


@admin.register(QuietHoursRule)
class QuietHoursAdmin(CatalogAdmin):
    """When a channel may be used where."""

    console_icon = "moon-down"
    console_order = 62
    console_name = "Quiet hours"
    list_display = ("code", "channel", "country", "region", "weekday", "opens", "closes", "valid_from")
    list_filter = ("channel", "country")
    search_fields = ("code__startswith",)
    fields = (
        "code", "channel", "country", "region", "weekday", "opens", "closes", "valid_from", "valid_to", "source",
    )  # fmt: skip
    readonly_fields = ()
    ordering = ("channel", "country", "region", "weekday", "code")
