"""The tenant-scoped ModelAdmin and inline: a page of the console shows the rows of the one tenant that is selected.

Platform staff work in one tenant too. A row of another tenant is missing, wherever it is asked for: lists, forms,
choices, filters, autocomplete, deeds. What a role may do with a kind of row stands in the admin class as names of
``tenants.access.permissions``; None means that nobody does this in a form.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.admin import TabularInline
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from tenants.accounts.models import Tenant
from winback.console.admin_base import BoundedListAdmin, ConsoleAdmin, ScopedRelatedFilter
from winback.console.components import EmptyState
from winback.console.site import ConsoleSite

if TYPE_CHECKING:
    AnyInline = TabularInline[Any, Any]
    AnyForm = ModelForm[Any]
else:
    AnyInline = TabularInline
    AnyForm = ModelForm

_LOOKUPS = frozenset({"exact", "in", "isnull", "gte", "lt", "id"})


def tenant_of(request: HttpRequest) -> Tenant:
    """The tenant that this person works in; refused where there is none yet."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    if tenant is None:
        raise PermissionDenied("There is no business to work in yet: manage.py create_tenant makes one.")
    return tenant


class TenantForm(AnyForm):
    """Knows its tenant before it is validated, so that “already exists” is a message and not a crash."""

    tenant: Tenant  # set by TenantAdmin.get_form

    def _get_validation_exclusions(self) -> set[str]:
        if self.instance.tenant_id is None:
            self.instance.tenant = self.tenant
        return {name for name in super()._get_validation_exclusions() if name != "tenant"}  # type: ignore[misc]


class Scoped:
    """What a list, a form and an inline have in common."""

    view_permission: str | None = "view"
    add_permission: str | None = None
    change_permission: str | None = None
    delete_permission: str | None = None
    opts: Any
    admin_site: Any

    def _may(self, request: HttpRequest, permission: str | None) -> bool:
        site: ConsoleSite = self.admin_site
        return (
            permission is not None
            and getattr(request, "tenant", None) is not None
            and site.permits(request, permission)
        )

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.view_permission)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.change_permission)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.delete_permission)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_permission)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)  # type: ignore[misc]
        tenant = getattr(request, "tenant", None)
        found: QuerySet[Any] = rows.none() if tenant is None else rows.for_tenant(tenant)
        return found

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        related: Any = db_field.remote_field.model
        if getattr(related, "tenant_scoped", False):
            kwargs["queryset"] = related._default_manager.for_tenant(tenant_of(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]

    def get_autocomplete_fields(self, request: HttpRequest) -> list[str]:
        """Keys into long lists are searched, not chosen from everybody: within the tenant, by that list's own admin."""
        named = list(super().get_autocomplete_fields(request))  # type: ignore[misc]
        for field in self.opts.get_fields():
            if isinstance(field, ForeignKey) and field.name not in named:
                registered = self.admin_site._registry.get(field.related_model)
                if isinstance(registered, BoundedListAdmin) and registered.search_fields:
                    named.append(field.name)
        return named

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*(super().get_exclude(request, obj) or ()), "tenant")  # type: ignore[misc]


class TenantAdmin(Scoped, ConsoleAdmin):
    """The pages of a kind of row that belongs to a tenant."""

    form = TenantForm
    linked_by: Iterable[str] = ()
    """Foreign keys by which other pages link to this list: ``?contact__id__exact=5``."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.add_permission)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sets = super().get_fieldsets(request, obj)
        if "tenant" not in flatten_fieldsets(sets):
            return sets
        return [(name, {**options, "fields": _without_tenant(options["fields"])}) for name, options in sets]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made: Any = super().get_form(request, obj, change, **kwargs)
        made.tenant = tenant_of(request)
        return made

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Filters by a key offer the selected tenant's rows alone."""
        return [self._scoped_filter(each) for each in super().get_list_filter(request)]

    def _scoped_filter(self, given: Any) -> Any:
        if not isinstance(given, str) or "__" in given:
            return given
        field: Field[Any, Any] = self.opts.get_field(given)
        if isinstance(field, ForeignKey) and getattr(field.related_model, "tenant_scoped", False):
            return (given, ScopedRelatedFilter)
        return given

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the page itself offers: free lookups would let a person guess what they may not read."""
        name, _, rest = lookup.partition("__")
        offered = {each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)}
        if lookup in {getattr(each, "parameter_name", None) for each in offered}:
            return True  # a filter of the page's own, which reads its value itself
        known = {each.partition("__")[0] for each in offered if isinstance(each, str)} | set(self.linked_by)
        own = name in known or name in {"id", "pk"}
        return own and set(rest.split("__")) - {""} <= _LOOKUPS | {"date", "year", "month", "day"}

    def get_actions(self, request: HttpRequest) -> Any:
        """Deletion of many goes past every rule of a single one, so no list offers it."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.tenant = tenant_of(request)
        super().save_model(request, obj, form, change)
        if not change or form.changed_data:
            action = f"{self.opts.model_name}.{'changed' if change else 'added'}"
            self.site.hooks.note(request, action, obj, {"changes": changes_of(form)} if change else {})

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.site.hooks.note(request, f"{self.opts.model_name}.deleted", obj, {})
        super().delete_model(request, obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Django's log has no tenant and keeps names: the audit log takes its place."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """See ``log_addition``."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """See ``log_addition``."""


class HistoryAdmin(TenantAdmin, BoundedListAdmin):
    """What happened: a long list to be looked at."""


class TenantInline(Scoped, AnyInline):
    """Rows shown inside the page of the row that they belong to."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._may(request, self.add_permission)


def _without_tenant(fields: Iterable[Any]) -> list[Any]:
    kept = [_without_tenant(each) if isinstance(each, list | tuple) else each for each in fields if each != "tenant"]
    return [each for each in kept if each != []]


def changes_of(form: Any) -> Mapping[str, list[str]]:
    """Old and new value of each changed field, as text, for the audit."""
    return {
        name: [_text(form.initial.get(name)), _text(form.cleaned_data.get(name))]
        for name in form.changed_data
        if name in form.cleaned_data
    }


def _text(value: Any) -> str:
    written = str(value.pk) if isinstance(value, Model) else "" if value is None else str(value)
    return written[:300]


def nothing_yet(title: str, why: str, *, icon: str = "list", action: str = "", url: str = "") -> EmptyState:
    """An empty list's one next step."""
    return EmptyState(title=title, why=why, icon=icon, action=action, url=url)
