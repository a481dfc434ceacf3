"""manage.py scan_dormant: the keys of its report, every tenant's own noon, dry runs, failures."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaigns.audience import dormancy_rules
from campaigns.audience.experiment_models import DormancyEpisode
from tenants.accounts.models import Tenant
from tests.audience.histories import customer
from tests.factories import make_activation, make_tenant

KEYS = ["opened", "moved", "closed", "by_cohort", "held_out", "excluded", "seconds"]


def scan_dormant(*arguments: str) -> Any:
    out = StringIO()
    call_command("scan_dormant", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())


def lapses(*tenants: Tenant) -> int:
    return sum(DormancyEpisode.objects.for_tenant(tenant).count() for tenant in tenants)


def test_reports_one_tenant_with_the_keys_of_the_contract(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, holdout_share=10_000)
    customer(tenant, now - timedelta(days=200))
    customer(tenant, now - timedelta(days=10))

    report = scan_dormant("--tenant", tenant.slug, "--as-of", "2026-09-30")

    assert list(report) == KEYS
    assert report | {"seconds": 0} == {
        "opened": 1,
        "moved": 0,
        "closed": 0,
        "by_cohort": {"6": 1, "9": 0, "12": 0},
        "held_out": 1,
        "excluded": {"not_lapsed_yet": 1},
        "seconds": 0,
    }


def test_reports_every_tenant_and_the_total(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    for tenant in two_tenants:
        customer(tenant, now - timedelta(days=200))

    report = scan_dormant("--as-of", now.isoformat())

    assert report["tenants"].keys() == {tenant.slug for tenant in two_tenants}
    assert report["total"] | {"seconds": 0} == {
        "opened": 2,
        "moved": 0,
        "closed": 0,
        "by_cohort": {"6": 2, "9": 0, "12": 0},
        "held_out": 0,
        "excluded": {},
        "seconds": 0,
    }
    assert report["total"]["seconds"] == max(each["seconds"] for each in report["tenants"].values())


def test_a_bare_date_is_noon_in_each_tenant_s_zone(two_tenants: tuple[Tenant, Tenant]) -> None:
    chicago, _ = two_tenants
    auckland = make_tenant(timezone="Pacific/Auckland")
    contacts = [customer(tenant, datetime.fromisoformat("2026-01-15T12:00Z")) for tenant in (chicago, auckland)]

    scan_dormant("--as-of", "2026-08-01")

    opened = [DormancyEpisode.objects.for_tenant(each.tenant_id).get(contact=each).opened_at for each in contacts]
    assert opened == [
        datetime.fromisoformat("2026-08-01T12:00-05:00"),
        datetime.fromisoformat("2026-08-01T12:00+12:00"),
    ]


def test_a_dry_run_says_what_would_be_and_keeps_nothing(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    for tenant in two_tenants:
        make_activation(tenant, holdout_share=None)
        customer(tenant, now - timedelta(days=200))

    dry = scan_dormant("--as-of", now.isoformat(), "--dry-run")

    assert dry["total"]["opened"] == 2
    assert lapses(*two_tenants) == 0
    real = scan_dormant("--as-of", now.isoformat())
    assert real["total"] | {"seconds": 0} == dry["total"] | {"seconds": 0}


def test_full_counts_every_contact(tenant: Tenant, now: datetime) -> None:
    customer(tenant, now - timedelta(days=200))
    customer(tenant)
    scan_dormant("--tenant", tenant.slug, "--as-of", now.isoformat())

    again = scan_dormant("--tenant", tenant.slug, "--as-of", now.isoformat())
    full = scan_dormant("--tenant", tenant.slug, "--as-of", now.isoformat(), "--full")

    assert (again["opened"], again["excluded"]) == (0, {})
    assert (full["opened"], full["excluded"]) == (0, {"no_job": 1, "in_open_episode": 1})


def test_the_failure_of_one_tenant_is_reported_after_the_others_ran(
    two_tenants: tuple[Tenant, Tenant], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, broken = two_tenants
    for tenant in two_tenants:
        customer(tenant, now - timedelta(days=200))
    make_activation(broken, settings={"dormant_cohorts_months": [7]})
    started = dormancy_rules.cut_off

    def fails_at_seven(at: datetime, timezone: str, months: int) -> datetime:
        if months == 7:
            raise RuntimeError("this tenant's rules cannot be worked out")
        return started(at, timezone, months)

    monkeypatch.setattr(dormancy_rules, "cut_off", fails_at_seven)
    out = StringIO()

    with pytest.raises(CommandError, match=broken.slug):
        call_command("scan_dormant", "--json", "--as-of", now.isoformat(), stdout=out)

    report = json.loads(out.getvalue())
    assert report["tenants"][ours.slug]["opened"] == 1
    assert "error" in report["tenants"][broken.slug]
    assert (lapses(ours), lapses(broken)) == (1, 0)


def test_reads_as_lines_for_a_person(tenant: Tenant, now: datetime) -> None:
    customer(tenant, now - timedelta(days=200))
    out = StringIO()

    call_command("scan_dormant", "--tenant", tenant.slug, "--as-of", now.isoformat(), stdout=out)

    assert "opened" in out.getvalue()
    assert tenant.slug in out.getvalue()
