"""The months of the journal are made ahead; one that the default partition has begun stays there."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from tenants.accounts.models import Tenant
from tenants.journal import partitions

NOW = datetime(2031, 11, 5, tzinfo=UTC)


def partitioned() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tenants_event'::regclass")
        return {name for (name,) in cursor.fetchall()}


def note(tenant: Tenant, at: datetime) -> str:
    """The partition in which an event that was recorded then lies."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenants_event (tenant_id, kind, subject_kind, data, occurred_at, recorded_at) "
            "VALUES (%s, 'test', '', '{}', %s, %s) RETURNING tableoid::regclass::text",
            [tenant.pk, at, at],
        )
        return str(cursor.fetchone()[0])


def test_the_coming_months_have_a_partition_each_and_once(tenant: Tenant) -> None:
    made = partitions.make_ahead(now=NOW)

    assert made == ["tenants_event_2031_12", "tenants_event_2032_01", "tenants_event_2032_02"]
    assert set(made) <= partitioned()
    assert partitions.make_ahead(now=NOW) == []
    assert note(tenant, datetime(2032, 1, 31, 23, 59, tzinfo=UTC)) == "tenants_event_2032_01"


def test_a_month_to_which_a_clock_once_ran_ahead_stays_in_the_default_partition(tenant: Tenant) -> None:
    ahead = datetime(2032, 1, 7, tzinfo=UTC)
    default = note(tenant, ahead)

    assert partitions.make_ahead(now=NOW) == ["tenants_event_2031_12", "tenants_event_2032_02"]
    assert note(tenant, ahead) == default


@pytest.mark.parametrize("statement", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}"])
def test_what_stands_in_a_month_made_ahead_stays(tenant: Tenant, statement: str) -> None:
    partitions.make_ahead(now=NOW)
    month = note(tenant, datetime(2031, 12, 24, tzinfo=UTC))

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(month))
