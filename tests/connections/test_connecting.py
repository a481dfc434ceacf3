"""Connections: credentials are encrypted, replaced by label, and open a provider."""

import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from tenants.accounts.models import Tenant
from tenants.connections.breaker import pause
from tenants.connections.connecting import active_connection, connect, credentials_of, open_provider, resume
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.email.smtp import SmtpProvider


def smtp(tenant: Tenant, now: datetime, **changes: Any) -> Connection:
    values: dict[str, Any] = {
        "kind": "email",
        "provider": "smtp",
        "credentials": {"username": "oak", "password": "hunter2-secret"},
        "options": {"host": "mail.example.com"},
        "now": now,
        "actor": "ana@example.com",
    }
    return connect(tenant, **(values | changes))


def test_credentials_are_encrypted_and_open_the_provider(tenant: Tenant, now: datetime) -> None:
    connection = smtp(tenant, now)

    connection.refresh_from_db()
    provider = open_provider(connection)

    assert b"hunter2" not in bytes(connection.credentials)
    assert isinstance(provider, SmtpProvider)
    assert provider.credentials["password"] == "hunter2-secret"
    assert provider.settings["host"] == "mail.example.com"


def test_a_new_key_before_the_old_one_still_opens_them(tenant: Tenant, now: datetime, settings: Any) -> None:
    connection = smtp(tenant, now)

    settings.WINBACK_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.WINBACK_ENCRYPTION_KEYS]

    assert credentials_of(connection)["username"] == "oak"


def test_without_the_key_nothing_is_guessed(tenant: Tenant, now: datetime, settings: Any) -> None:
    connection = smtp(tenant, now)

    settings.WINBACK_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(UndecipherableSecret):
        open_provider(connection)


def test_the_same_label_again_replaces(tenant: Tenant, now: datetime) -> None:
    first = smtp(tenant, now)
    pause(first, reason="refused", now=now)

    second = smtp(tenant, now, credentials={"username": "elm"})

    assert first.pk == second.pk
    assert second.state == Connection.State.ACTIVE
    assert credentials_of(second) == {"username": "elm"}


def test_a_paused_connection_is_not_used_until_it_is_resumed(tenant: Tenant, now: datetime) -> None:
    connection = smtp(tenant, now)

    assert pause(connection, reason="The password was refused.", now=now)
    assert active_connection(tenant, "email") is None
    assert resume(connection, now=now, actor="a")
    assert active_connection(tenant, "email") == connection


def test_the_local_outbox_stands_under_the_home_of_this_host(
    tenant: Tenant, now: datetime, settings: Any, tmp_path: Path
) -> None:
    settings.WINBACK_HOME = tmp_path

    provider = open_provider(connect(tenant, kind="sms", provider="local", now=now, actor="a"))

    assert provider.settings["directory"] == str(tmp_path / "outbox" / tenant.slug / "sms")


def test_the_command_connects_and_asks(tenant: Tenant, now: datetime) -> None:
    out = StringIO()

    call_command("connect_provider", "email", "local", tenant=tenant.slug, json=True, stdout=out)

    assert json.loads(out.getvalue())["state"] == "ready"
