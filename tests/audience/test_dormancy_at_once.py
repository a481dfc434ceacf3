"""Two scans at once, a scan that dies, an import or attributing that holds rows: nothing twice, nothing lost."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from campaigns.audience import assigning, dormancy
from campaigns.audience.dormancy_tally import ScanReport
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.models import ContactTag
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests.at_once import at_once
from tests.audience.histories import customer
from tests.factories import NOW, make_activation, make_tenant
from winback.tenancy import acting_for, acting_for_all

pytestmark = pytest.mark.django_db(transaction=True)

LAPSED = 60


@pytest.fixture
def shop() -> Tenant:
    """Sixty who have lapsed and ten who have not, committed."""
    with acting_for_all("test set-up"):
        tenant = make_tenant()
        make_activation(tenant)
        for number in range(LAPSED):
            customer(tenant, NOW - timedelta(days=200 + number))
        for _ in range(10):
            customer(tenant, NOW - timedelta(days=10))
    return tenant


def rows_of(tenant: Tenant) -> tuple[int, int, int, int]:
    with acting_for(tenant.pk):
        return (
            DormancyEpisode.objects.for_tenant(tenant).count(),
            Event.objects.for_tenant(tenant).filter(kind="customer.dormant").count(),
            ContactTag.objects.for_tenant(tenant).count(),
            Assignment.objects.for_tenant(tenant).count(),
        )


def test_four_scans_at_once_open_each_lapse_once(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dormancy, "BATCH", 7)

    reports = at_once(*[lambda: dormancy.scan(now=NOW)[shop.pk]] * 4)

    assert sum(report.opened for report in reports) == LAPSED, reports
    assert sum(sum(report.excluded.values()) for report in reports) == 10
    assert rows_of(shop) == (LAPSED, LAPSED, LAPSED, LAPSED)
    assert dormancy.scan(now=NOW, full=True)[shop.pk].excluded == {"not_lapsed_yet": 10, "in_open_episode": LAPSED}


def test_scans_of_one_and_of_all_tenants_at_once_agree(shop: Tenant) -> None:
    reports = at_once(
        lambda: dormancy.scan(now=NOW, tenant=shop, full=True)[shop.pk], lambda: dormancy.scan(now=NOW)[shop.pk]
    )

    assert sum(report.opened for report in reports) == LAPSED, reports
    assert rows_of(shop) == (LAPSED, LAPSED, LAPSED, LAPSED)


def test_the_scan_after_one_that_died_completes_it(shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dormancy, "BATCH", 20)
    draw_opened, batches = assigning.draw_opened, iter(range(10))

    def dies_in_the_second_batch(*args: Any, **options: Any) -> int:
        if next(batches) == 1:
            raise KeyboardInterrupt
        return draw_opened(*args, **options)

    monkeypatch.setattr(assigning, "draw_opened", dies_in_the_second_batch)
    with pytest.raises(KeyboardInterrupt):
        dormancy.scan(now=NOW)
    left = rows_of(shop)

    report = dormancy.scan(now=NOW)[shop.pk]

    assert left == (20, 20, 20, 20)
    assert report.opened == LAPSED - 20
    assert rows_of(shop) == (LAPSED, LAPSED, LAPSED, LAPSED)


@contextmanager
def held(tenant: Tenant, statement: str) -> Iterator[None]:
    """Rows that another connection has changed and not committed."""
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        with acting_for(tenant.pk), connection.cursor() as cursor:
            cursor.execute(statement, [tenant.pk])
            ready.set()
            done.wait(timeout=60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    ready.wait(timeout=60)
    try:
        yield
    finally:
        done.set()
        holder.join(timeout=60)


def scan(tenant: Tenant, now: datetime = NOW) -> ScanReport:
    return dormancy.scan(now=now, tenant=tenant)[tenant.pk]


def test_contacts_that_an_import_holds_are_left_to_the_next_scan(shop: Tenant) -> None:
    importing = "UPDATE campaigns_contactstat SET next_scan_at = 'epoch' WHERE tenant_id = %s AND job_count = 1 AND "
    with held(shop, importing + "last_job_at < '2026-01-31'"):
        meanwhile = scan(shop)

    after = scan(shop)

    assert meanwhile.opened > 0
    assert after.opened > 0
    assert meanwhile.opened + after.opened == LAPSED


def test_episodes_that_attributing_holds_are_left_to_the_next_scan(
    shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(shop)
    monkeypatch.setattr(dormancy, "BATCH", 5)
    later = NOW + timedelta(days=100)
    with held(shop, "UPDATE campaigns_dormancyepisode SET opened_at = opened_at WHERE tenant_id = %s AND id %% 2 = 0"):
        meanwhile = scan(shop, later)

    after = scan(shop, later)

    assert (meanwhile.moved, after.moved) == (LAPSED // 2, LAPSED // 2)


# People with one job each, so long ago that all of them have lapsed.
MANY = """
WITH home AS (
    INSERT INTO campaigns_household (tenant_id, key, created_at)
    SELECT %(tenant)s, 'h' || n, %(now)s FROM generate_series(1, 3000) n RETURNING id
), person AS (
    INSERT INTO campaigns_contact
           (tenant_id, household_id, external_id, state, email, phone, first_name, last_name, company, address, city,
            region, postal_code, country, timezone, timezones, acquisition_channel, attributes, name_key, created_at,
            updated_at)
    SELECT %(tenant)s, id, 'c' || id, 'active', '', '', '', '', '', '', '', '', '', '', '', '{}', '', '{}', '', %(now)s,
           %(now)s
      FROM home RETURNING id
)
INSERT INTO campaigns_contactstat
       (tenant_id, contact_id, first_job_at, last_job_at, job_count, total_minor, last_service, not_open_reason,
        next_scan_at)
SELECT %(tenant)s, id, %(last)s, %(last)s, 1, 100, '', '', '1970-01-01' FROM person
"""


def test_each_batch_knows_how_much_the_ones_before_have_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with acting_for_all("test set-up"):
        tenant = make_tenant()
        make_activation(tenant)
    with acting_for(tenant.pk), connection.cursor() as cursor:
        cursor.execute(MANY, {"tenant": tenant.pk, "now": NOW, "last": NOW - timedelta(days=200)})
    monkeypatch.setattr(dormancy, "BATCH", 1_500)

    assert dormancy.scan(now=NOW, tenant=tenant)[tenant.pk].opened == 3_000

    # Thought to be empty, the table would be read whole for every contact of the second batch.
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [DormancyEpisode._meta.db_table])
        assert cursor.fetchone()[0] >= 1_500
