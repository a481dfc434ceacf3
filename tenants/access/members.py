"""Who belongs to a tenant: added, given another role, removed; a tenant is never left without an owner."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from tenants.access.models import Membership, User
from tenants.accounts.models import Tenant
from tenants.journal import audit


class LastOwner(ValueError):
    """Somebody else must be an owner first."""

    def __init__(self) -> None:
        super().__init__("This is the only owner: make somebody else an owner first.")


class AlreadyMember(ValueError):
    """The person has a role here already: change it instead."""


@dataclass(frozen=True)
class Added:
    """``password`` is a new person's first one, shown once; empty for somebody who could sign in already."""

    membership: Membership
    password: str


def add(tenant: Tenant, email: str, role: str, *, now: datetime, actor: str) -> Added:
    """Give a person a role; an account is made for an address that has none."""
    email = email.strip().lower()
    user = User.objects.filter(email__iexact=email).first()
    password = ""
    if user is None:
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username=email[:150], email=email, password=password, is_staff=True)
    elif Membership.objects.for_tenant(tenant).filter(user=user).exists():
        raise AlreadyMember(f"{email} is a member already: change the role instead.")
    elif not user.is_staff:
        User.objects.filter(pk=user.pk).update(is_staff=True)
    membership: Membership = Membership.objects.create(tenant=tenant, user=user, role=role, created_at=now)
    data = {"user": user.pk, "role": role}
    audit.append(tenant.pk, actor=actor, action="membership.added", now=now, subject=membership, data=data)
    return Added(membership, password)


def change_role(membership: Membership, role: str, *, now: datetime, actor: str) -> bool:
    """Another role; raises LastOwner. False when it was that already."""
    with_role = _locked(membership)
    if with_role.role == role:
        return False
    _keep_an_owner(with_role, role)
    Membership.objects.for_tenant(membership.tenant_id).filter(pk=membership.pk).update(role=role)
    data = {"user": membership.user_id, "changes": {"role": [with_role.role, role]}}
    audit.append(membership.tenant_id, actor=actor, action="membership.changed", now=now, subject=membership, data=data)
    return True


def remove(membership: Membership, *, now: datetime, actor: str) -> None:
    """The person can no longer work in this tenant, from the next page on; raises LastOwner."""
    _keep_an_owner(_locked(membership), "")
    data = {"user": membership.user_id, "role": membership.role}
    audit.append(membership.tenant_id, actor=actor, action="membership.removed", now=now, subject=membership, data=data)
    Membership.objects.for_tenant(membership.tenant_id).filter(pk=membership.pk).delete()


def is_last_owner(membership: Membership) -> bool:
    owners = Membership.objects.for_tenant(membership.tenant_id).filter(role=Membership.Role.OWNER)
    return membership.role == Membership.Role.OWNER and not owners.exclude(pk=membership.pk).exists()


def _locked(membership: Membership) -> Membership:
    """The row as it is now, with the tenant's owners locked: two owners cannot remove each other at once."""
    rows = Membership.objects.for_tenant(membership.tenant_id)
    list(rows.filter(role=Membership.Role.OWNER).select_for_update().order_by("pk"))
    found: Membership = rows.get(pk=membership.pk)
    return found


def _keep_an_owner(membership: Membership, role: str) -> None:
    if role != Membership.Role.OWNER and is_last_owner(membership):
        raise LastOwner
