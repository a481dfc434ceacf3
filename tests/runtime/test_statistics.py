"""PostgreSQL knows of a bulk load before the next statement over it is planned."""

import pytest
from django.db import connection

from tenants.accounts.models import Tenant
from tests import factories
from winback import statistics


def reltuples(table: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        return float(cursor.fetchone()[0])


def test_a_table_that_has_grown_is_looked_at_once(tenant: Tenant) -> None:
    contact = factories.make_contact(tenant)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at) "
            "SELECT %s, %s, 'tag ' || number, 'import', %s FROM generate_series(1, 3000) AS number",
            [tenant.pk, contact.pk, factories.NOW],
        )

    assert "campaigns_contacttag" in statistics.keep_up()
    assert reltuples("campaigns_contacttag") >= 3000
    assert "campaigns_contacttag" not in statistics.keep_up()


@pytest.mark.django_db
def test_small_tables_are_left_alone() -> None:
    statistics.keep_up()

    assert statistics.keep_up() == []
