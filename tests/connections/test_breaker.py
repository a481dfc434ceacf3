"""The circuit breaker: asked again less and less often, a few messages first, and back to work when they went."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.accounts.models import Brand, Tenant
from tenants.connections import breaker, probing
from tenants.connections.connecting import active_connection, connect, disable, resume
from tenants.connections.models import Connection
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.handing import ProbeResult

State = Connection.State


@pytest.fixture
def connection(tenant: Tenant, now: datetime) -> Connection:
    return connect(tenant, kind="email", provider="fake", label="first", now=now, actor="a")


def asked(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, *, now: datetime, ok: bool = False) -> int:
    """How often the provider is asked when everything is looked at."""
    times = []

    def probe(self: FakeEmailProvider) -> ProbeResult:
        times.append(now)
        return ProbeResult(ok, "fine" if ok else "down")

    monkeypatch.setattr(FakeEmailProvider, "probe", probe)
    probing.refresh(tenant, ["email"], now=now)
    return len(times)


def test_it_is_asked_again_after_2_then_4_then_8_minutes(
    tenant: Tenant, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.pause(connection, reason="down", now=now)
    minutes = []

    for minute in range(1, 40):
        if asked(tenant, monkeypatch, now=now + timedelta(minutes=minute)):
            minutes.append(minute)

    assert minutes == [2, 6, 14, 30]


def test_what_the_provider_asks_for_is_waited_for(
    tenant: Tenant, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.pause(connection, reason="busy", now=now, retry_after_seconds=3_600)

    assert asked(tenant, monkeypatch, now=now + timedelta(minutes=59)) == 0
    assert asked(tenant, monkeypatch, now=now + timedelta(minutes=60)) == 1


@given(failures=st.integers(1, 10_000), asked_for=st.none() | st.floats(0, 10**9))
def test_no_wait_is_shorter_than_two_minutes_or_longer_than_a_day(failures: int, asked_for: float | None) -> None:
    wait = breaker.wait_after(failures, asked_for)

    assert timedelta(minutes=2) <= wait <= timedelta(days=1)
    assert wait >= timedelta(seconds=min(asked_for or 0, 86_400))
    assert breaker.wait_after(failures + 1, asked_for) >= wait


def test_a_second_worker_that_meets_the_same_trouble_counts_it_once(connection: Connection, now: datetime) -> None:
    assert breaker.pause(connection, reason="down", now=now)
    assert not breaker.pause(connection, reason="down", now=now)

    connection.refresh_from_db()
    assert connection.failures == 1


def test_a_trial_lets_five_go_and_then_waits_for_what_becomes_of_them(connection: Connection, now: datetime) -> None:
    breaker.pause(connection, reason="down", now=now)
    breaker.answered(connection, now=now)

    assert [breaker.take_trial(connection, 3, now=now) for _ in range(3)] == [3, 2, 0]
    assert connection.state == State.TRYING


def test_a_trial_that_nobody_ended_begins_anew(connection: Connection, now: datetime) -> None:
    breaker.pause(connection, reason="down", now=now)
    breaker.answered(connection, now=now)
    breaker.take_trial(connection, 50, now=now)

    assert breaker.take_trial(connection, 50, now=now + timedelta(minutes=9)) == 0
    assert breaker.take_trial(connection, 50, now=now + timedelta(minutes=10)) == 5


def test_after_a_trial_that_passed_all_may_go_and_the_trouble_is_forgotten(
    connection: Connection, now: datetime
) -> None:
    breaker.pause(connection, reason="down", now=now)
    breaker.answered(connection, now=now)
    breaker.take_trial(connection, 50, now=now)

    breaker.passed(connection)

    assert (connection.state, connection.failures) == (State.ACTIVE, 0)
    assert breaker.take_trial(connection, 50, now=now) == 50


def test_trouble_on_trial_waits_twice_as_long(connection: Connection, now: datetime) -> None:
    breaker.pause(connection, reason="down", now=now)
    breaker.answered(connection, now=now)

    breaker.pause(connection, reason="down again", now=now)

    connection.refresh_from_db()
    assert (connection.failures, connection.retry_at) == (2, now + timedelta(minutes=4))


@pytest.mark.parametrize("state", [State.DISABLED, State.ACTIVE])
def test_only_a_paused_connection_goes_on_trial(connection: Connection, now: datetime, state: str) -> None:
    if state == State.DISABLED:
        disable(connection, now=now, actor="a")

    assert not breaker.answered(connection, now=now)
    connection.refresh_from_db()
    assert connection.state == state


def test_a_person_who_resumes_it_needs_no_trial(connection: Connection, now: datetime) -> None:
    breaker.pause(connection, reason="down", now=now)

    resume(connection, now=now, actor="a")

    connection.refresh_from_db()
    assert (connection.state, connection.failures, connection.retry_at) == (State.ACTIVE, 0, None)


def test_the_next_in_order_is_used_while_the_first_is_paused_and_the_first_is_still_asked(
    tenant: Tenant, connection: Connection, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = connect(tenant, kind="email", provider="fake", label="second", priority=20, now=now, actor="a")
    breaker.pause(connection, reason="down", now=now)
    assert active_connection(tenant, "email") == second

    asked(tenant, monkeypatch, now=now + timedelta(minutes=2), ok=True)

    assert active_connection(tenant, "email") == connection


def test_a_brands_own_connection_comes_first_and_another_brands_never(
    tenant: Tenant, connection: Connection, now: datetime
) -> None:
    main = Brand.objects.for_tenant(tenant).get()
    other = Brand.objects.create(tenant=tenant, code="other", name="Other", is_default=False)
    own = connect(tenant, kind="email", provider="fake", label="own", brand=other, priority=90, now=now, actor="a")

    assert active_connection(tenant, "email", other.pk) == own
    assert active_connection(tenant, "email", main.pk) == connection
    disable(connection, now=now, actor="a")
    assert active_connection(tenant, "email", main.pk) is None
