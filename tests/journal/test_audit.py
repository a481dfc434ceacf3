"""The audit chain notices what was edited, removed or moved."""

from datetime import datetime

import pytest
from django.db import ProgrammingError, connection, transaction

from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.tenancy import acting_for


def write_three(tenant: Tenant, now: datetime) -> None:
    for action in ("campaign.launched", "campaign.paused", "campaign.finished"):
        audit.append(tenant.pk, actor="ana@example.com", action=action, now=now, subject=tenant, data={"share": 0.1})


def change(sql: str) -> None:
    """As somebody who can run SQL as the owner of the table: the policies forbid it to everybody else."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE ROW LEVEL SECURITY")
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER USER")
        cursor.execute(sql)
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE ROW LEVEL SECURITY")


def test_an_untouched_chain_is_whole(tenant: Tenant, now: datetime) -> None:
    write_three(tenant, now)

    assert audit.verify(tenant) == []


def test_an_edit_is_found(tenant: Tenant, now: datetime) -> None:
    write_three(tenant, now)

    change("UPDATE tenants_auditentry SET actor = 'bo@example.com' WHERE sequence = 2")

    assert audit.verify(tenant) == [2]


def test_a_removal_is_found(tenant: Tenant, now: datetime) -> None:
    write_three(tenant, now)

    change("DELETE FROM tenants_auditentry WHERE sequence = 2")

    assert audit.verify(tenant) == [3]


def test_a_reordering_is_found(tenant: Tenant, now: datetime) -> None:
    write_three(tenant, now)

    for old, new in ((1, 100), (2, 1), (100, 2)):
        change(f"UPDATE tenants_auditentry SET sequence = {new} WHERE sequence = {old}")

    assert audit.verify(tenant) == [1, 2, 3]


def test_an_edit_through_the_application_is_refused(tenant: Tenant, now: datetime) -> None:
    write_three(tenant, now)

    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_auditentry SET actor = 'bo'")

    assert audit.verify(tenant) == []


def test_each_tenant_has_a_chain_of_its_own(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    for tenant in two_tenants:
        with acting_for(tenant.pk):
            write_three(tenant, now)
            assert audit.append(tenant.pk, actor="a", action="b", now=now).sequence == 4
            assert audit.verify(tenant) == []
