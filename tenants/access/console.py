"""Signing in to the console, the tenant that one works in, what one may do there, and the trace that it leaves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from tenants.access import middleware, permissions, throttling
from tenants.access.models import Membership, User
from tenants.accounts.models import Tenant
from tenants.journal import audit
from tenants.journal.models import AuditEntry
from winback.console.site import ConsoleSite, HistoryLine
from winback.tenancy import acting_for_all, current_scope

_MOST = 300
_HISTORY = 200
_USER = "user "


def clock() -> datetime:
    """The clock of a page of the console."""
    return timezone.now()  # noqa: TID251 - the edge: read once for a deed


class SignInForm(AdminAuthenticationForm):
    """Lets in staff who have something to see: platform staff, and members of a tenant. Guessing is slow."""

    def clean(self) -> Any:
        name = str(self.cleaned_data.get("username", ""))
        if throttling.too_many(self.request, name):
            raise ValidationError("Too many wrong attempts. Wait a quarter of an hour, then try again.")
        try:
            cleaned = super().clean()
        except ValidationError:
            throttling.count_wrong(self.request, name)
            raise
        throttling.forget(self.request, name)
        return cleaned

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        # Whoever is signed in already and signs in again has a scope of their own open: Home looks once more.
        if isinstance(user, User) and not user.is_superuser and current_scope() is None:
            with acting_for_all("sign-in"):
                member = Membership.objects.filter(user=user).exists()
            if not member:
                raise ValidationError("You are not a member of any business: ask its owner to add you.")


def admitted(request: HttpRequest) -> bool:
    user = request.user
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or getattr(request, "tenant", None) is not None


def tenant_choices(request: HttpRequest) -> Sequence[tuple[str, str]]:
    known: list[tuple[str, str]] | None = getattr(request, "tenant_choices", None)
    if known is None:
        tenant: Tenant | None = getattr(request, "tenant", None)
        if tenant is not None and len(getattr(request.user, "tenant_roles", ())) == 1:
            known = [(tenant.slug, tenant.name)]  # as for most people: there is no other, and no need to ask
        else:
            tenants = getattr(request, "tenants", Tenant.objects.none())
            known = [(slug, name) for slug, name in tenants.values_list("slug", "name")[:_MOST]]
        request.tenant_choices = known  # type: ignore[attr-defined]
    return known


def current_tenant(request: HttpRequest) -> str:
    tenant: Tenant | None = getattr(request, "tenant", None)
    return tenant.slug if tenant is not None else ""


def select_tenant(request: HttpRequest, slug: str) -> bool:
    tenant = getattr(request, "tenants", Tenant.objects.none()).filter(slug=slug).first()
    if tenant is None:
        return False
    middleware.select_tenant(request, tenant)
    return True


def may(request: HttpRequest, permission: str) -> bool:
    """Whether this person may do this in the selected tenant; ``platform`` is for platform staff alone."""
    user = request.user
    if permission == "platform":
        return user.is_active and user.is_superuser
    tenant: Tenant | None = getattr(request, "tenant", None)
    return tenant is not None and isinstance(user, User) and permissions.may(user, permission, tenant.pk)


def note(request: HttpRequest, action: str, row: Model | None, data: Mapping[str, Any]) -> None:
    """Into the selected tenant's audit chain."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    if tenant is None:
        return
    audit.append(tenant.pk, actor=f"{_USER}{request.user.pk}", action=action, now=clock(), subject=row, data=data)
    changed(request)


def changed(request: HttpRequest) -> None:
    """What needs attention is looked at anew."""
    tenant: Tenant | None = getattr(request, "tenant", None)
    if tenant is not None:
        cache.delete(attention_key(tenant.pk))


def attention_key(tenant_id: int) -> str:
    """Where the list of what needs attention is kept for a minute; whatever a person does makes it stale."""
    return f"console.attention.{tenant_id}"


def history(request: HttpRequest, row: Model) -> Sequence[HistoryLine]:
    """What people and keys did to a row, from the audit chain of its tenant."""
    tenant_id = row.pk if isinstance(row, Tenant) else getattr(row, "tenant_id", None)
    if tenant_id is None:
        return ()
    entries = list(
        AuditEntry.objects.for_tenant(tenant_id)
        .filter(subject_kind=str(row._meta.model_name), subject_id=row.pk)
        .order_by("-sequence")[:_HISTORY]
    )
    names = names_of({entry.actor for entry in entries})
    return [
        HistoryLine(
            at=entry.occurred_at,
            actor=names.get(entry.actor, entry.actor),
            action=readable(entry.action),
            changes=changes_in(entry.data),
        )
        for entry in entries
    ]


def names_of(actors: set[str]) -> dict[str, str]:
    """The names behind the numbers, for showing."""
    wanted = {text: int(text.rsplit(" ", 1)[1]) for text in actors if text.startswith((_USER, "platform staff "))}
    known = {user.pk: str(user) for user in User.objects.filter(pk__in=wanted.values())}
    return {text: known.get(number, text) for text, number in wanted.items()}


def readable(code: str) -> str:
    """``brand.changed`` as a person reads it."""
    return code.replace(".", " ").replace("_", " ").capitalize()


def changes_in(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry of the audit tells about the change."""
    changes = data.get("changes")
    if isinstance(changes, dict):
        return [(name.replace("_", " "), f"{old or '–'} → {new or '–'}") for name, (old, new) in changes.items()]
    return [(name.replace("_", " "), str(value)) for name, value in data.items() if value not in ("", None, [], {})][:8]


def furnish(site: ConsoleSite) -> None:
    """Hang the hooks into the console's frame: called once when the apps are ready."""
    hooks = site.hooks
    hooks.admitted, hooks.may = admitted, may
    hooks.tenant_choices, hooks.current_tenant, hooks.select_tenant = tenant_choices, current_tenant, select_tenant
    hooks.note, hooks.changed, hooks.history = note, changed, history
    site.login_form = SignInForm
