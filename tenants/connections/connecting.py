"""Connecting a provider account to a tenant: credentials in, encrypted; out again only to open the provider."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from tenants.accounts.models import Brand, Tenant
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.encryption import decrypt, encrypt
from winback.providers import registry
from winback.providers.email.base import EmailProvider
from winback.providers.sms.base import SmsProvider

LOCAL = "local"
"""The provider of the local outbox: messages become files and console pages, and nobody receives them."""


def connect(
    tenant: Tenant,
    *,
    kind: str,
    provider: str,
    now: datetime,
    actor: str,
    label: str = "",
    credentials: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    brand: Brand | None = None,
) -> Connection:
    """Add a provider account, or replace the one with this label. Ask ``probing.refresh`` afterwards."""
    values = {
        "provider": provider,
        "brand": brand,
        "credentials": encrypt(json.dumps(dict(credentials or {})).encode()) if credentials else b"",
        "settings": dict(options or {}),
        "state": Connection.State.ACTIVE,
        "paused_reason": "",
        "paused_at": None,
    }
    connection: Connection
    connection, created = Connection.objects.for_tenant(tenant).update_or_create(
        tenant=tenant,
        kind=kind,
        label=label or provider,
        defaults=values,
        create_defaults=values | {"created_at": now},
    )
    audit.append(
        tenant.pk,
        actor=actor,
        action="connection.added" if created else "connection.replaced",
        now=now,
        subject=connection,
        data={"kind": kind, "provider": provider},
    )
    return connection


def pause(connection: Connection, *, reason: str, now: datetime) -> bool:
    """Stop using a connection because of its own trouble, until it answers a probe; False when it was not in use."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk, state=Connection.State.ACTIVE)
    return bool(rows.update(state=Connection.State.PAUSED, paused_reason=reason[:300], paused_at=now))


def disable(connection: Connection) -> bool:
    """Stop using a connection because a person says so, until a person says otherwise."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    return bool(rows.exclude(state=Connection.State.DISABLED).update(state=Connection.State.DISABLED))


def resume(connection: Connection, *, by_itself: bool = False) -> bool:
    """Use a paused or disabled connection again; ``by_itself``, because it answers, only one that is still paused."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    if by_itself:
        rows = rows.filter(state=Connection.State.PAUSED)
    return bool(
        rows.exclude(state=Connection.State.ACTIVE).update(
            state=Connection.State.ACTIVE, paused_reason="", paused_at=None
        )
    )


def credentials_of(connection: Connection) -> dict[str, Any]:
    """The credentials in clear, for the provider alone; raises UndecipherableSecret, never guesses."""
    if not connection.credentials:
        return {}
    opened: dict[str, Any] = json.loads(decrypt(bytes(connection.credentials)))
    return opened


def open_provider(connection: Connection) -> EmailProvider | SmsProvider:
    """The provider of a connection, ready to be used (outside any transaction)."""
    told = dict(connection.settings)
    if connection.provider == LOCAL:  # where the outbox stands is a matter of this host, not of the row
        told["directory"] = str(outbox_directory(connection.tenant, connection.kind))
    return registry.build(connection.kind, connection.provider, credentials_of(connection), told)


def outbox_directory(tenant: Tenant, kind: str) -> Path:
    """Where the local outbox keeps a tenant's messages."""
    return Path(settings.WINBACK_HOME) / "outbox" / tenant.slug / kind


def active_connection(tenant: Tenant, kind: str) -> Connection | None:
    """The connection that is used for this kind of thing: the active one of the lowest priority number."""
    rows = Connection.objects.for_tenant(tenant).filter(kind=kind, state=Connection.State.ACTIVE)
    found: Connection | None = rows.order_by("priority", "id").first()
    return found


def paused_connection(tenant: Tenant, kind: str) -> Connection | None:
    """The connection of this kind that was paused by its own trouble, if there is one."""
    rows = Connection.objects.for_tenant(tenant).filter(kind=kind, state=Connection.State.PAUSED)
    found: Connection | None = rows.order_by("priority", "id").first()
    return found
