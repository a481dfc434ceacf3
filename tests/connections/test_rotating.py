"""New credentials are tried before they take the old ones' place, and nothing of either is shown."""

import json
from datetime import datetime

import pytest

from tenants.accounts.models import Tenant
from tenants.connections import breaker, rotating
from tenants.connections.connecting import connect, credentials_of
from tenants.connections.models import Connection
from tenants.journal.models import AuditEntry


@pytest.fixture
def connection(tenant: Tenant, now: datetime) -> Connection:
    return connect(tenant, kind="email", provider="fake", credentials={"key": "old-secret"}, now=now, actor="a")


def rotate(connection: Connection, now: datetime, **options: str) -> str:
    rotating.propose(connection, credentials={"key": "new-secret"}, options=options, now=now, actor="ana")
    problem = rotating.try_proposed(connection, now=now, actor="ana")
    connection.refresh_from_db()
    return problem


def test_what_the_provider_answers_to_takes_the_old_ones_place(connection: Connection, now: datetime) -> None:
    assert rotate(connection, now) == ""

    assert credentials_of(connection) == {"key": "new-secret"}
    assert bytes(connection.pending) == b""


def test_what_it_refuses_does_not_and_says_why(connection: Connection, now: datetime) -> None:
    problem = rotate(connection, now, fail="misconfigured")

    assert problem
    assert connection.pending_problem == problem
    assert credentials_of(connection) == {"key": "old-secret"}
    assert connection.settings == {}
    assert bytes(connection.pending) == b""


def test_the_old_ones_are_used_until_then_and_the_new_ones_are_kept_encrypted(
    connection: Connection, now: datetime
) -> None:
    rotating.propose(connection, credentials={"key": "new-secret"}, options={}, now=now, actor="ana")

    connection.refresh_from_db()
    assert credentials_of(connection) == {"key": "old-secret"}
    assert b"new-secret" not in bytes(connection.pending)


def test_trying_twice_changes_nothing(connection: Connection, now: datetime) -> None:
    rotate(connection, now)

    assert rotating.try_proposed(connection, now=now, actor="ana") == ""
    assert credentials_of(connection) == {"key": "new-secret"}


def test_a_paused_connection_goes_on_trial_with_its_new_credentials(connection: Connection, now: datetime) -> None:
    breaker.pause(connection, reason="the password was refused", now=now)

    rotate(connection, now)

    assert connection.state == Connection.State.TRYING


def test_the_audit_names_the_deed_and_no_secret(tenant: Tenant, connection: Connection, now: datetime) -> None:
    rotate(connection, now)
    rotate(connection, now, fail="trouble")

    entries = AuditEntry.objects.for_tenant(tenant).filter(action__startswith="connection.").order_by("sequence")
    assert [entry.action for entry in entries][1:] == [
        "connection.change_proposed",
        "connection.rotated",
        "connection.change_proposed",
        "connection.change_refused",
    ]
    assert "secret" not in json.dumps([entry.data for entry in entries])
