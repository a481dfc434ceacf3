"""New credentials or settings of a connection: tried first, and only then in the old ones' place.

What is proposed is kept encrypted beside the old until the provider has answered to it; the old stay in use meanwhile
and when it refuses. Nothing of either is ever shown.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from tenants.connections import breaker, checking
from tenants.connections.connecting import credentials_of, open_with
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.encryption import UndecipherableSecret, decrypt, encrypt
from winback.providers import registry
from winback.providers.errors import ProviderTrouble
from winback.tenancy import acting_for


def propose(
    connection: Connection, *, credentials: Mapping[str, Any], options: Mapping[str, Any], now: datetime, actor: str
) -> None:
    """Keep what is to be tried: new secrets by name, the others stay; and all settings.

    Ask ``try_proposed`` afterwards, outside this transaction. Raises ConnectionRefused where a secret that stays would
    be sent to another place.
    """
    kept, known = latest_or_none(connection)
    whole = {**kept, **credentials}
    provider = registry.provider(connection.kind, connection.provider)
    checking.check_place(provider(kept, known), provider(whole, options), given=credentials)
    secret = {field.name for field in provider.fields if field.secret}
    plain = {name: value for name, value in options.items() if name not in secret}  # there it would stand in the clear
    told = json.dumps({"credentials": whole, "options": plain}).encode()
    _row(connection).update(pending=encrypt(told), pending_problem="")
    _note(connection, "connection.change_proposed", now=now, actor=actor)


def latest(connection: Connection) -> tuple[dict[str, Any], dict[str, Any]]:
    """Credentials and settings as they were last said: those that are still to be tried, else those in use.

    Raises UndecipherableSecret.
    """
    if not bytes(connection.pending):
        return credentials_of(connection), dict(connection.settings)
    told = json.loads(decrypt(bytes(connection.pending)))
    return told["credentials"], told["options"]


def latest_or_none(connection: Connection) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same; without the secrets where nobody can open them any more."""
    try:
        return latest(connection)
    except UndecipherableSecret:
        return {}, dict(connection.settings)


def try_proposed(connection: Connection, *, now: datetime, actor: str) -> str:
    """Ask the provider with what was proposed, and let it take the old one's place; returns why not, where it does not.

    Opens its own scopes, because the provider is asked outside any transaction. Run twice, the second changes nothing.
    """
    with acting_for(connection.tenant_id):
        row = Connection.objects.for_tenant(connection.tenant_id).select_related("tenant").get(pk=connection.pk)
    pending = bytes(row.pending)
    if not pending:
        return str(row.pending_problem)
    problem = ""
    told: dict[str, Any] = {}
    try:
        told = json.loads(decrypt(pending))
        with open_with(row, told["credentials"], told["options"]) as provider:
            answer = provider.probe()
        problem = "" if answer.ok else answer.detail or "The provider does not answer."
    except (ProviderTrouble, UndecipherableSecret) as error:
        problem = str(error)
    with acting_for(connection.tenant_id):
        # Only where nothing else was proposed meanwhile: that is tried by itself.
        rows = _row(connection).filter(pending=pending)
        if problem:
            if rows.update(pending=b"", pending_problem=problem[:300]):
                _note(connection, "connection.change_refused", now=now, actor=actor)
        elif rows.update(
            credentials=encrypt(json.dumps(told["credentials"]).encode()) if told["credentials"] else b"",
            settings=told["options"],
            pending=b"",
            pending_problem="",
        ):
            _note(connection, "connection.rotated", now=now, actor=actor)
            breaker.answered(connection, now=now)
    return problem[:300]


def _row(connection: Connection) -> QuerySet[Connection]:
    rows: QuerySet[Connection] = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    return rows


def _note(connection: Connection, action: str, *, now: datetime, actor: str) -> None:
    audit.append(
        connection.tenant_id,
        actor=actor,
        action=action,
        now=now,
        subject=connection,
        data={"kind": connection.kind, "provider": connection.provider},
    )
