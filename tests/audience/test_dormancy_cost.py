"""What a scan costs: a constant number of statements, and the index over what is due."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.audience import dormancy, dormancy_facts
from campaigns.audience.models import Household
from tenants.accounts.models import Tenant
from tests.audience.histories import customer
from tests.factories import make_activation, make_tenant
from winback.tenancy import acting_for_all


def queries_of_a_scan(tenant: Tenant, now: datetime) -> int:
    with CaptureQueriesContext(connection) as queries:
        dormancy.scan(now=now, tenant=tenant)
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_contacts(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant)
    customer(tenant, now - timedelta(days=200))
    dormancy.scan(now=now, tenant=tenant)
    numbers = []
    for contacts in (2, 20):
        for days in range(contacts):
            customer(tenant, now - timedelta(days=200 + 5 * days))
        numbers.append(queries_of_a_scan(tenant, now))

    assert numbers[0] == numbers[1] < 50


def test_a_scan_with_nothing_due_asks_next_to_nothing(tenant: Tenant, now: datetime) -> None:
    customer(tenant, now - timedelta(days=10))
    dormancy.scan(now=now, tenant=tenant)

    assert queries_of_a_scan(tenant, now + timedelta(hours=1)) < 25


def test_the_number_of_statements_does_not_grow_with_the_tenants(now: datetime, db: None) -> None:
    numbers = []
    with acting_for_all("test with many tenants"):
        for more in (2, 8):
            for _ in range(more):
                tenant = make_tenant()
                make_activation(tenant, holdout_share=None)
                customer(tenant, now - timedelta(days=200))
            with CaptureQueriesContext(connection) as queries:
                dormancy.scan(now=now)
            numbers.append(len(queries))

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("due", [0, 30])
def test_what_is_due_is_found_by_its_index(tenant: Tenant, now: datetime, due: int) -> None:
    with connection.cursor() as cursor:
        household = Household.objects.create(tenant=tenant, key="all", created_at=now)
        cursor.execute(
            "INSERT INTO campaigns_contact (tenant_id, household_id, external_id, state, email, phone, first_name, "
            "last_name, company, address, city, region, postal_code, country, timezone, timezones, "
            "acquisition_channel, attributes, name_key, created_at, updated_at) SELECT %s, %s, n, 'active', '', '', "
            "'', '', '', '', '', '', '', '', '', '{}', '', '{}', '', %s, %s FROM generate_series(1, 20000) n",
            [tenant.pk, household.pk, now, now],
        )
        cursor.execute(
            "INSERT INTO campaigns_contactstat (tenant_id, contact_id, last_service, job_count, total_minor, "
            "not_open_reason, next_scan_at) SELECT tenant_id, id, '', 0, 0, 'no_job', CASE WHEN external_id::int > %s "
            "THEN %s::timestamptz + interval '9 days' ELSE %s::timestamptz END FROM campaigns_contact",
            [due, now, now],
        )
        cursor.execute("ANALYZE campaigns_contactstat")
        cursor.execute(dormancy_facts.TABLES)
        values: dict[str, Any] = {"now": now, "tenants": [tenant.pk], "limit": dormancy.BATCH, "passed_over": []}
        cursor.execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + dormancy_facts.PICK_DUE, values)
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "contact_stat_due_for_scan" in plan, plan
    assert "Seq Scan" not in plan, plan
    assert f"rows={due}" in plan, plan
