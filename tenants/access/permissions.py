"""What a person may do in a tenant, and what a key may be used for: roles and scopes as data."""

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from tenants.access.models import Membership, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

_ANALYST = frozenset({"view", "results.export"})
_OPERATOR = _ANALYST | {
    "contacts.edit",
    "contacts.suppress",
    "contacts.import",
    "messages.test",
    "bookings.answer",
    "conversations.answer",
    "campaigns.pause",
}
_MANAGER = _OPERATOR | {
    "campaigns.launch",
    "offers.edit",
    "modules.activate",
    "brands.edit",
    "contacts.export",
    "consent.record",
    "suppressions.lift",
    "contacts.erase",
}
_OWNER = _MANAGER | {
    "members.manage",
    "connections.manage",
    "keys.manage",
    "plan.change",
    "audit.view",
}

PERMISSIONS: dict[str, frozenset[str]] = {
    Membership.Role.ANALYST: _ANALYST,
    Membership.Role.OPERATOR: _OPERATOR,
    Membership.Role.MANAGER: _MANAGER,
    Membership.Role.OWNER: _OWNER,
}
ALL_PERMISSIONS = _OWNER

SCOPES: dict[str, str] = {
    "modules:activate": "Activate modules and change their settings.",
    "results:read": "Read the results.",
    "contacts:read": "Read contacts and why they may or may not be written to.",
    "contacts:write": "Add and change contacts, jobs, consent and suppressions.",
    "contacts:privacy": "Hand out everything that is held on one person, and erase a person for good.",
    "conversations:read": "Read what people text back.",
    "conversations:write": "Answer what people text back.",
    "campaigns:read": "Read campaigns, enrolments and messages.",
    "campaigns:write": "Launch, pause and finish campaigns.",
    "connections:manage": "Connect providers, test, change and stop them, and give them new credentials.",
    "webhooks:manage": "Say where your own systems are told what happens.",
}
"""What an API key may be used for. The catalog is open to every key."""


def role_of(user: "User | AnonymousUser", tenant_id: int) -> str | None:
    """The person's role in the tenant, or None. The middleware has already read the roles of a web request."""
    known: dict[int, str] | None = getattr(user, "tenant_roles", None)
    if known is not None:
        return known.get(tenant_id)
    if user.pk is None:
        return None
    role: str | None = (
        Membership.objects.for_tenant(tenant_id).filter(user_id=user.pk).values_list("role", flat=True).first()
    )
    return role


def may(user: "User | AnonymousUser", permission: str, tenant_id: int) -> bool:
    """Whether this person may do this in this tenant. Platform staff may do everything."""
    if permission not in ALL_PERMISSIONS:
        raise KeyError(f"There is no permission {permission!r}.")
    if not user.is_active:
        return False
    if user.is_superuser:
        return True
    return permission in PERMISSIONS.get(role_of(user, tenant_id) or "", frozenset())


def require(user: "User | AnonymousUser", permission: str, tenant_id: int) -> None:
    """Raise PermissionDenied unless this person may do this in this tenant."""
    if not may(user, permission, tenant_id):
        raise PermissionDenied(f"Your role does not allow {permission}: ask an owner of the business.")
