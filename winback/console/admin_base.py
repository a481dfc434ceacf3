"""What every list and form of the console has in common. Knows no tenant: scoping is the apps' own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from winback.console.components import EmptyState
from winback.console.paging import BoundedPaginator
from winback.console.site import ConsoleSite

if TYPE_CHECKING:
    AnyModelAdmin = ModelAdmin[Any]
else:
    AnyModelAdmin = ModelAdmin


class ConsoleAdmin(AnyModelAdmin):
    """Where a model stands in the console, and how its pages are titled."""

    console_section: str | None = "Settings"
    console_icon = "list"
    console_order = 50
    console_name = ""
    console_empty: EmptyState | None = None
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    actions_on_top = True
    save_on_top = False
    view_on_site = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = self.console_name or str(self.opts.verbose_name_plural)
        context = {"title": title[:1].upper() + title[1:], "console_empty": self.console_empty, **(extra_context or {})}
        return super().changelist_view(request, context)

    @property
    def site(self) -> ConsoleSite:
        """The admin site by its own type, for its ``confirm`` and ``render``."""
        assert isinstance(self.admin_site, ConsoleSite)
        return self.admin_site

    def asked_again(self, request: HttpRequest, action: str) -> dict[str, str | Sequence[str]]:
        """The fields with which a confirmation page posts a list's action again."""
        fields: dict[str, str | Sequence[str]] = {
            "action": action,
            ACTION_CHECKBOX_NAME: request.POST.getlist(ACTION_CHECKBOX_NAME),
        }
        if "select_across" in request.POST:
            fields["select_across"] = request.POST["select_across"]
        return fields


class BoundedListAdmin(ConsoleAdmin):
    """For tables that grow without end. Give ``sortable_by`` only indexed columns, and search by prefix."""

    paginator = BoundedPaginator
    show_full_result_count = False
    ordering: Sequence[str] = ("-pk",)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        """Everything at once only where everything can be counted: the rest is a background task's business."""
        if request.POST.get("select_across") == "1" and BoundedPaginator(queryset, self.list_per_page).bounded:
            most = f"{BoundedPaginator.most:,}"
            self.message_user(
                request, f"This list has more than {most} rows. Search or filter it first.", messages.ERROR
            )
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset)


class ReadOnlyAdmin(ConsoleAdmin):
    """History: to be looked at. What changes it are deeds, not forms."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ScopedRelatedFilter(admin.RelatedFieldListFilter):
    """A filter by a foreign key that offers only rows that the person may see.

    Django's own lists every row of the table, and so the names of all other tenants' campaigns. ``get_queryset`` of
    the related model's own admin is the scope; without one there is nothing to offer.
    """

    most = 200

    def field_choices(
        self, field: "Field[Any, Any]", request: HttpRequest, model_admin: AnyModelAdmin
    ) -> list[tuple[Any, str]]:
        queryset = self.scoped(request, model_admin)
        return [(row.pk, str(row)) for row in queryset[: self.most]]

    def scoped(self, request: HttpRequest, model_admin: AnyModelAdmin) -> QuerySet[Any]:
        """The rows to choose from. Override to narrow them further."""
        related = self.field.related_model
        registered = model_admin.admin_site._registry.get(related)
        if registered is None:
            none: QuerySet[Any] = related._default_manager.none()
            return none
        queryset = registered.get_queryset(request)
        return queryset if queryset.ordered else queryset.order_by("pk")


def result_count_text(change_list: ChangeList) -> str:
    """``10,000+`` where the list is longer than is counted."""
    paginator = change_list.paginator
    return paginator.count_text if isinstance(paginator, BoundedPaginator) else f"{change_list.result_count:,}"
