"""A simulation and the regular work of one tenant exclude each other; other tenants go on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.operating import jobs
from campaigns.planning.models import Message
from campaigns.tracking import applying, thread_outbox, threads
from campaigns.tracking import jobs as tracking
from campaigns.tracking.thread_models import Conversation
from tenants.accounts import alone
from tenants.accounts.models import Tenant
from tests import factories
from tests.faults import world
from tests.tracking.reporting import about, make_reporting, report
from tests.tracking.texting import text, written_to
from winback.commands import WrongUsage
from winback.providers.sms.fake import FakeSmsProvider
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


def reported_on_and_answered(business: Tenant) -> Message:
    """A complaint about a message that lies unapplied, and a reply by staff that has not left."""
    with acting_for(business.pk):
        message = written_to(business)
        by_text = make_reporting(business, kind="sms")
        Message.objects.filter(pk=message.pk).update(connection=by_text)
        text(business, "Do you have time on Friday?", connection=by_text)
        threads.reply(Conversation.objects.for_tenant(business).get(), "At 9.", actor="user 1", now=factories.NOW)
    assert report(Client(), by_text, about(message, "delivered")).status_code < 300
    FakeSmsProvider.sent.clear()
    return message


def state_of(message: Message) -> str:
    with acting_for(message.tenant_id):
        return str(Message.objects.for_tenant(message.tenant_id).get(pk=message.pk).state)


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


def test_nothing_is_applied_and_no_answer_leaves_in_a_simulation(
    business: Tenant, other_process: "psycopg.Connection[Any]"
) -> None:
    message = reported_on_and_answered(business)
    hold(other_process, business, simulating=True)

    tracking.apply_events(tenant=business.pk)
    tracking.send_answers(tenant=business.pk)
    assert (state_of(message), FakeSmsProvider.sent) == ("handed_over", [])

    other_process.execute("SELECT pg_advisory_unlock_all()")
    tracking.apply_events(tenant=business.pk)
    tracking.send_answers(tenant=business.pk)
    assert state_of(message) == "delivered"
    assert [each.body for each in FakeSmsProvider.sent] == ["At 9."]


def test_a_simulation_waits_for_what_is_being_applied_and_answered(
    business: Tenant, other_process: "psycopg.Connection[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND mode = 'ShareLock'"
    seen: list[Any] = []

    def look(*_: Any, **__: Any) -> None:
        seen.append(other_process.execute(held, [business.pk]).fetchone())

    monkeypatch.setattr(applying, "apply", look)
    monkeypatch.setattr(thread_outbox, "send_due", look)

    tracking.apply_events(tenant=business.pk)
    tracking.send_answers(tenant=business.pk)

    assert seen == [(1,), (1,)]


@pytest.mark.parametrize(
    "command", ["scan_dormant", "plan_messages", "send_due", "attribute_jobs", "apply_events", "read_bounces"]
)
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
