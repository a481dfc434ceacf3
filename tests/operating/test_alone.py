"""A simulation and the regular work of one tenant exclude each other; other tenants go on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.operating import alone, jobs
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests.faults import world
from winback.commands import WrongUsage
from winback.tenancy import acting_for

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = ("--from=2026-03-02", "--to=2026-03-04")


@pytest.fixture
def business(transactional_db: None) -> Tenant:
    return world.make_business("alone", contacts=20, cap=6)


@pytest.fixture
def other_process() -> "Iterator[psycopg.Connection[Any]]":
    with psycopg.connect(world.database_url(), autocommit=True) as connection:
        yield connection


def hold(process: "psycopg.Connection[Any]", tenant: Tenant, *, simulating: bool) -> None:
    """What another process holds while it simulates the tenant, or does its regular work."""
    how = "" if simulating else "_shared"
    process.execute(f"SELECT pg_advisory_lock{how}(hashtext('winback.regular-work'), %s)", [tenant.pk])


def lapses(tenant: Tenant) -> int:
    with acting_for(tenant.pk):
        return DormancyEpisode.objects.for_tenant(tenant).count()


def sent(tenant: Tenant) -> int:
    with acting_for(tenant.pk):
        return Message.objects.for_tenant(tenant).exclude(handed_over_at=None).count()


def test_no_regular_work_begins_in_a_simulation(
    business: Tenant, other_process: "psycopg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    neighbour = world.make_business("neighbour", contacts=20, cap=6)
    hold(other_process, business, simulating=True)
    monkeypatch.setattr(timezone, "now", lambda: world.START)

    for code in ("scan", "plan", "recover", "attribute", "full_scan"):
        jobs.run_regular(code=code)
    for tenant in (business, neighbour):
        jobs.send_tenant(tenant=tenant.pk)

    assert (lapses(business), sent(business)) == (0, 0)
    assert lapses(neighbour) > 0
    assert sent(neighbour) > 0


@pytest.mark.parametrize("command", ["scan_dormant", "plan_messages", "send_due", "attribute_jobs"])
def test_a_command_says_that_it_must_wait(
    command: str, business: Tenant, other_process: "psycopg.Connection[Any]"
) -> None:
    hold(other_process, business, simulating=True)

    with pytest.raises(CommandError, match="alone is being simulated by another process: wait for it, or end it"):
        call_command(command, f"--tenant={business.slug}", as_of=world.START.isoformat())

    assert (lapses(business), sent(business)) == (0, 0)


def test_a_simulation_waits_for_regular_work_and_says_so_when_that_does_not_end(
    business: Tenant, other_process: "psycopg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "WAIT_SECONDS", 0.05)
    hold(other_process, business, simulating=False)

    with pytest.raises(CommandError, match=r"stop `manage\.py serve`"):
        call_command("simulate", f"--tenant={business.slug}", *DAYS)
    assert lapses(business) == 0

    other_process.execute("SELECT pg_advisory_unlock_all()")
    call_command("simulate", f"--tenant={business.slug}", *DAYS)
    assert lapses(business) > 0


def test_afterwards_the_tenant_is_free_again(business: Tenant, other_process: "psycopg.Connection[Any]") -> None:
    call_command("simulate", f"--tenant={business.slug}", *DAYS)
    call_command("scan_dormant", f"--tenant={business.slug}", as_of="2026-03-05")

    held = other_process.execute(
        "SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
        "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
    ).fetchall()
    assert held == []


@pytest.mark.parametrize("command", ["scan_dormant", "attribute_jobs"])
def test_time_does_not_run_backwards(command: str, business: Tenant) -> None:
    call_command(command, f"--tenant={business.slug}", as_of="2026-05-01")
    before = world.what_became(business)

    with pytest.raises(
        WrongUsage, match=r"as of 2026-05-01, which lies after 2026-03-02.*Simulate from 2026-05-02"
    ) as no:
        call_command("simulate", f"--tenant={business.slug}", *DAYS)

    assert no.value.returncode == 2
    assert world.what_became(business) == before
    call_command("simulate", f"--tenant={business.slug}", "--from=2026-05-02", "--to=2026-05-02")


def test_a_simulation_goes_on_where_it_was_and_not_before(business: Tenant) -> None:
    call_command("simulate", f"--tenant={business.slug}", *DAYS)

    call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-02", "--to=2026-03-06")
    with pytest.raises(WrongUsage, match="lies after 2026-03-01"):
        call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-01", "--to=2026-03-06")
    with pytest.raises(WrongUsage, match="lies after 2026-02-01"):
        call_command("simulate", f"--tenant={business.slug}", "--from=2026-02-01", "--to=2026-02-02", "--dry-run")


def test_a_scan_of_the_same_day_is_no_later_one(business: Tenant) -> None:
    call_command("scan_dormant", f"--tenant={business.slug}", as_of=(world.START - timedelta(hours=3)).isoformat())

    call_command("simulate", f"--tenant={business.slug}", *DAYS)

    assert sent(business) > 0
