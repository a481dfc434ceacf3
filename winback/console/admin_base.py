"""What every list and form of the console has in common. Knows no tenant: scoping is the apps' own."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Field, Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from winback.console.components import EmptyState
from winback.console.deeds import Button, deeds_of
from winback.console.paging import BoundedPaginator
from winback.console.site import ConsoleSite

if TYPE_CHECKING:
    AnyModelAdmin = ModelAdmin[Any]
else:
    AnyModelAdmin = ModelAdmin


def title_of(model_admin: AnyModelAdmin) -> str:
    """How the console calls the rows of a model: one name, in the sidebar, over the list and on the way to it."""
    title = getattr(model_admin, "console_name", "") or str(model_admin.opts.verbose_name_plural)
    return title[:1].upper() + title[1:]


class ConsoleAdmin(AnyModelAdmin):
    """Where a model stands in the console, and how its pages are titled."""

    console_section: str | None = "Settings"
    console_icon = "list"
    console_order = 50
    console_name = ""
    console_many = ""
    """How several rows are called, where Django adds an s too many."""
    console_add = ""
    """What the button for a new row says, where “Add” and the row's name is not how one would say it."""
    console_empty: EmptyState | None = None
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    actions_on_top = True
    save_on_top = False
    view_on_site = False
    page_select_related: ClassVar[tuple[str, ...]] = ()
    """What the page of a row names besides: joined there, and not to every row of the list."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": title_of(self), "console_empty": self.console_empty, **(extra_context or {})}
        return super().changelist_view(request, context)

    # -- one row -----------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        deeds = [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(partial(self._do, name)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name in deeds_of(type(self))
        ]
        return deeds + super().get_urls()

    def _do(self, name: str, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The view of a deed: permission, row, one call, and back to the row unless it answers a page of its own."""
        offered = deeds_of(type(self))[name]
        if not self.site.permits(request, offered.permission) or not self.has_view_permission(request):
            raise PermissionDenied("Your role does not allow this: ask an owner of the business.")
        if request.method != "POST" and not offered.asks:
            return HttpResponseNotAllowed(["POST"])
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404("There is no such row.")
        answer: HttpResponseBase | None = getattr(self, name)(request, row)
        return answer if answer is not None else HttpResponseRedirect(self.page_of(row))

    def offered(self, request: HttpRequest, row: Any) -> Iterable[str]:
        """The names of the deeds that make sense in the row's present state. Permissions are looked at besides."""
        return deeds_of(type(self))

    def buttons(self, request: HttpRequest, row: Any) -> list[Button]:
        known = deeds_of(type(self))
        return [
            Button(one.label, self.deed_url(one.name, row), one.tone, one.asks, one.icon)
            for one in (known[name] for name in self.offered(request, row))
            if self.site.permits(request, one.permission)
        ]

    def deed_url(self, name: str, row: Model) -> str:
        """Where a deed of this row is sent to."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[quote(row.pk)])

    def page_of(self, row: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[quote(row.pk)])

    def list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of a row shows besides its fields: ``facts``, ``panels``, ``pills`` and whatever its template
        knows."""
        return {}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if object_id is not None and request.method == "GET":
            row = self.get_object(request, unquote(object_id))
            if row is not None and self.has_view_or_change_permission(request, row):
                context |= {"object_buttons": self.buttons(request, row), **self.page_context(request, row)}
        return super().changeform_view(request, object_id, form_url, context)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """One row of the queryset; a page that is only looked at reads it once, though Django asks again."""
        key = (type(self), object_id, from_field)
        known: dict[Any, Any] = request.__dict__.setdefault("console_rows", {})
        if request.method != "GET" or key not in known:
            field: Any = self.opts.pk if from_field is None else self.opts.get_field(from_field)
            rows = self.get_queryset(request)
            if self.page_select_related:  # with nothing named Django would join everything
                rows = rows.select_related(*self.page_select_related)
            try:
                known[key] = rows.filter(**{field.name: field.to_python(object_id)}).first()
            except (ValidationError, ValueError):
                known[key] = None
        return known[key]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, *_: Any) -> HttpResponse:
        """A row that is not there, or not theirs, is missing: Django would send people to Home with a message."""
        raise Http404("There is no such row.")

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404("There is no such row.")
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        context = {"lines": self.site.hooks.history(request, row), "opts": self.opts, "object": row}
        return self.site.render(request, "console/history.html", context, title=f"History of {row}")

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
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    search_beginning: ClassVar[Callable[[str], str] | None] = None
    """Searches the one column of ``search_fields`` from its beginning, for what this makes of what was typed."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A plain range where that is enough: under row-level security LIKE finds no index."""
        written = type(self).search_beginning
        if written is None or not search_term:
            return super().get_search_results(request, queryset, search_term)
        (name,), start = self.search_fields, written(search_term.strip())
        return queryset.filter(**{f"{name}__gte": start, f"{name}__lt": f"{start}\U0010ffff"}), False

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *where: Any) -> HttpResponse | None:
        """Everything at once only where everything can be counted: the rest is a background task's business."""
        if request.POST.get("select_across") == "1" and BoundedPaginator(queryset, self.list_per_page).bounded:
            most = f"{BoundedPaginator.most:,}"
            self.message_user(
                request, f"This list has more than {most} rows. Search or filter it first.", messages.ERROR
            )
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *where)


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

    def field_choices(self, field: "Field[Any, Any]", request: HttpRequest, model_admin: AnyModelAdmin) -> Any:
        queryset = self.scoped(request, model_admin)
        return [(row.pk, str(row)) for row in queryset[: self.most]]

    def scoped(self, request: HttpRequest, model_admin: AnyModelAdmin) -> QuerySet[Any]:
        """The rows to choose from. Override to narrow them further."""
        related: Any = self.field.related_model
        registered = model_admin.admin_site._registry.get(related)
        if registered is None:
            none: QuerySet[Any] = related._default_manager.none()
            return none
        queryset = registered.get_queryset(request)
        return queryset if queryset.ordered else queryset.order_by("pk")


Choices = Sequence[tuple[str, str]]


def choices_filter(field: str, choices: Choices | Callable[[HttpRequest], Choices]) -> type[admin.SimpleListFilter]:
    """A filter of a long list by a column without ``choices``: Django would read every row to find its values."""

    class ChoicesFilter(admin.SimpleListFilter):
        title = field.replace("_", " ")
        parameter_name = f"{field}__exact"

        def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> Choices:
            return choices(request) if callable(choices) else choices

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            known = {str(value) for value, _ in self.lookup_choices}
            return queryset.filter(**{field: self.value()}) if self.value() in known else queryset

    return ChoicesFilter


def result_count_text(change_list: ChangeList) -> str:
    """``10,000+`` where the list is longer than is counted."""
    paginator = change_list.paginator
    return paginator.count_text if isinstance(paginator, BoundedPaginator) else f"{change_list.result_count:,}"
