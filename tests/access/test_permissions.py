"""What a person may do follows from the role in that tenant, and from nothing else."""

from datetime import datetime
from itertools import pairwise

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from tenants.access.models import Membership, User
from tenants.access.permissions import ALL_PERMISSIONS, PERMISSIONS, may, require
from tenants.accounts.models import Tenant


def member(tenant: Tenant, role: str, now: datetime) -> User:
    user = User.objects.create_user(username=role, email=f"{role}@example.com")
    Membership.objects.create(tenant=tenant, user=user, role=role, created_at=now)
    return user


def test_each_role_may_what_the_one_before_may_and_more() -> None:
    ladder = [PERMISSIONS[role] for role in ("analyst", "operator", "manager", "owner")]

    assert all(lower < higher for lower, higher in pairwise(ladder))


@pytest.mark.parametrize("role", Membership.Role.values)
def test_a_role_allows_exactly_what_its_row_says(tenant: Tenant, now: datetime, role: str) -> None:
    user = member(tenant, role, now)

    assert {permission for permission in ALL_PERMISSIONS if may(user, permission, tenant.pk)} == PERMISSIONS[role]


def test_a_role_in_one_tenant_is_none_in_another(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    mine, other = two_tenants
    user = member(mine, "owner", now)

    assert may(user, "campaigns.launch", mine.pk)
    assert not may(user, "view", other.pk)
    with pytest.raises(PermissionDenied):
        require(user, "view", other.pk)


def test_platform_staff_may_everything_unless_switched_off(tenant: Tenant) -> None:
    staff = User.objects.create_superuser(username="root", email="root@example.com", password="x")

    assert may(staff, "campaigns.launch", tenant.pk)
    staff.is_active = False
    assert not may(staff, "view", tenant.pk)


def test_nobody_signed_in_may_nothing(tenant: Tenant) -> None:
    assert not may(AnonymousUser(), "view", tenant.pk)


def test_a_misspelt_permission_is_an_error(tenant: Tenant, now: datetime) -> None:
    with pytest.raises(KeyError):
        may(member(tenant, "owner", now), "campaign.launch", tenant.pk)
