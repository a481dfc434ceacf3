"""The console of people and keys: the team of a tenant, its API keys, and for platform staff every account."""

from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.access import keys, members
from tenants.access.console import names_of
from tenants.access.forms import KeyForm, MemberForm, RoleForm
from tenants.access.models import ApiKey, Membership, User
from tenants.accounts.console import TenantAdmin, nothing_yet, tenant_of
from tenants.journal.admin import AuditAdmin
from tenants.journal.models import AuditEntry
from winback.console.admin_base import ConsoleAdmin
from winback.console.columns import pill_column
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.templatetags.console import pill

admin.site.unregister(Group)  # roles stand in memberships; a second way to give rights would only be overlooked


@admin.register(AuditEntry)
class NamedAuditAdmin(AuditAdmin):
    """The audit with the names of those whom it keeps by number."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """One query for all the names of a page."""
        shown = super().get_changelist_instance(request)
        self._name(shown.result_list)
        return shown

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        self._name([entry] if entry is not None else [])
        return entry

    def _name(self, entries: Iterable[Any]) -> None:
        names = names_of({entry.actor for entry in entries})
        for entry in entries:
            entry.name_of_actor = names.get(entry.actor, entry.actor)


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    """Who may work in this business, and as what."""

    console_section = "Settings"
    console_icon = "people"
    console_order = 30
    console_name = "Team"
    add_permission = "members.manage"
    list_display = ("user", pill_column("role"), "created_at")
    list_select_related = ("user",)
    list_filter = ("role",)
    ordering = ("created_at", "pk")
    fields = ("user", "role", "created_at")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "members.manage")
        form = MemberForm(request.POST or None)
        if form.is_valid():
            email, role = form.cleaned_data["email"], form.cleaned_data["role"]
            try:
                added = members.add(
                    tenant_of(request), email, role, now=timezone.now(), actor=self.site.hooks.actor(request)
                )
            except members.AlreadyMember as error:
                form.add_error("email", str(error))
            else:
                if not added.password:
                    self.message_user(request, f"{email} can now work here as {role}.")
                    return HttpResponseRedirect(self.list_url())
                return self.site.show_once(
                    request,
                    title=f"{email} can now sign in",
                    sentences=["Tell them this first password by a safe way. It is shown this once."],
                    secret=added.password,
                    back=self.list_url(),
                )
        return self.site.ask(
            request, form, title="Add somebody to the team", button="Add to the team", back=self.list_url()
        )

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["change_role", "remove"]

    @deed("Change role", permission="members.manage", asks=True)
    def change_role(self, request: HttpRequest, membership: Membership) -> HttpResponseBase | None:
        form = RoleForm(request.POST or None, initial={"role": membership.role})
        if form.is_valid():
            try:
                members.change_role(
                    membership, form.cleaned_data["role"], now=timezone.now(), actor=self.site.hooks.actor(request)
                )
            except members.LastOwner as error:
                form.add_error("role", str(error))
            else:
                self.message_user(request, f"{membership.user} is now {form.cleaned_data['role']}.")
                return None
        return self.site.ask(
            request, form, title=f"Role of {membership.user}", button="Change role", back=self.page_of(membership)
        )

    @deed("Remove", permission="members.manage", tone="danger")
    def remove(self, request: HttpRequest, membership: Membership) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Remove {membership.user} from the team?",
                button="Remove from the team",
                sentences=["They can no longer open this business, from their next page on. Their account stays."],
                back=self.page_of(membership),
            ),
        )
        if asked is not None:
            return asked
        try:
            members.remove(membership, now=timezone.now(), actor=self.site.hooks.actor(request))
        except members.LastOwner as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        self.message_user(request, f"{membership.user} is no longer in the team.")
        return HttpResponseRedirect(self.list_url())


@admin.register(ApiKey)
class ApiKeyAdmin(TenantAdmin):
    """Keys for programs: shown once, revoked for good."""

    view_permission = add_permission = "keys.manage"
    console_section = "Settings"
    console_icon = "key"
    console_order = 40
    console_name = "API keys"
    console_empty = nothing_yet(
        "No API keys yet", "A program signs in with a key: your website, a script, another service.", icon="key"
    )
    list_display = ("name", "prefix", "state", "last_used_at", "expires_at", "created_at")
    ordering = ("-created_at", "-pk")
    fields = ("name", "prefix", "state", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    readonly_fields = ("state",)

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return pill("revoked")
        return pill("expired", "warn") if key.expires_at and key.expires_at <= timezone.now() else pill("active")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "keys.manage")
        tenant, now = tenant_of(request), timezone.now()
        form = KeyForm(request.POST or None, today=now.astimezone(tenant.zone).date())
        if form.is_valid():
            given = form.cleaned_data
            ends = given["expires_on"]
            key, text = keys.create_key(
                tenant,
                name=given["name"],
                scopes=given["scopes"],
                expires_at=datetime.combine(ends, time.max, tenant.zone) if ends else None,
                now=now,
            )
            self.site.hooks.note(request, "api_key.created", key, {"scopes": given["scopes"], "prefix": key.prefix})
            return self.site.show_once(
                request,
                title=f"The key “{key.name}”",
                sentences=["Copy it now: it is shown this once, and nobody can read it again."],
                secret=text,
                back=self.list_url(),
            )
        return self.site.ask(request, form, title="Make an API key", button="Make the key", back=self.list_url())

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return [] if row.revoked_at is not None else ["revoke"]

    @deed("Revoke", permission="keys.manage", tone="danger")
    def revoke(self, request: HttpRequest, key: ApiKey) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Revoke the key “{key.name}”?",
                button="Revoke the key",
                sentences=["Programs that use it are refused at once. This cannot be taken back."],
                back=self.page_of(key),
            ),
        )
        if asked is None and keys.revoke(key, now=timezone.now()):
            self.site.hooks.note(request, "api_key.revoked", key, {"prefix": key.prefix})
            self.message_user(request, f"The key “{key.name}” is revoked.")
        return asked


@admin.register(User)
class PersonAdmin(UserAdmin, ConsoleAdmin):  # type: ignore[type-arg]
    """Every account of the installation: for platform staff alone."""

    console_section = "Settings"
    console_icon = "person"
    console_order = 95
    console_name = "Accounts"
    list_display = ("email", "first_name", "last_name", "is_superuser", "is_active", "last_login")
    list_filter = ("is_superuser", "is_active")
    search_fields = ("email__istartswith", "last_name__istartswith")
    ordering = ("email",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "date_joined")

    def _platform(self, request: HttpRequest) -> bool:
        return self.site.permits(request, "platform")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._platform(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._platform(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._platform(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._platform(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False  # deactivate it: the audit names people by number
