"""Connecting a provider account to a tenant: credentials in, encrypted; out again only to open the provider."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet

from tenants.accounts.models import Brand, Tenant
from tenants.connections import hooks
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.encryption import decrypt, encrypt
from winback.providers import registry
from winback.providers.email.base import EmailProvider
from winback.providers.errors import ProviderMisconfigured
from winback.providers.sms.base import SmsProvider

LOCAL = "local"
"""The provider of the local outbox: messages become files and console pages, and nobody receives them."""

_UNTROUBLED: dict[str, Any] = {
    "paused_reason": "",
    "paused_at": None,
    "failures": 0,
    "retry_at": None,
    "trial_left": 0,
    "trial_until": None,
}


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
    priority: int | None = None,
) -> Connection:
    """Add a provider account, or replace the one with this label. Ask ``probing.refresh`` afterwards."""
    values = _values(provider, credentials, options, brand)
    if priority is not None:
        values["priority"] = priority
    connection: Connection
    connection, created = Connection.objects.for_tenant(tenant).update_or_create(
        tenant=tenant,
        kind=kind,
        label=label or provider,
        defaults=values,
        create_defaults=values | {"created_at": now},
    )
    action = "connection.added" if created else "connection.replaced"
    _note(connection, action, {"kind": kind, "provider": provider}, now=now, actor=actor)
    return connection


def add(
    tenant: Tenant,
    *,
    kind: str,
    provider: str,
    label: str,
    now: datetime,
    actor: str,
    credentials: Mapping[str, Any],
    options: Mapping[str, Any],
    brand: Brand | None,
) -> Connection | None:
    """Add a provider account; None where there is one of this kind and label, even since a moment ago: it stays."""
    values = _values(provider, credentials, options, brand) | {"created_at": now}
    connection: Connection
    connection, created = Connection.objects.for_tenant(tenant).get_or_create(
        tenant=tenant, kind=kind, label=label, defaults=values
    )
    if not created:
        return None
    _note(connection, "connection.added", {"kind": kind, "provider": provider}, now=now, actor=actor)
    return connection


def _values(
    provider: str, credentials: Mapping[str, Any] | None, options: Mapping[str, Any] | None, brand: Brand | None
) -> dict[str, Any]:
    return {
        "provider": provider,
        "brand": brand,
        "credentials": encrypt(json.dumps(dict(credentials)).encode()) if credentials else b"",
        "settings": dict(options or {}),
        "state": Connection.State.ACTIVE,
        "pending": b"",
        "pending_problem": "",
    } | _UNTROUBLED


def disable(connection: Connection, *, now: datetime, actor: str) -> bool:
    """Stop using a connection because a person says so, until a person says otherwise."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    disabled = bool(rows.exclude(state=Connection.State.DISABLED).update(state=Connection.State.DISABLED))
    if disabled:
        _note(connection, "connection.disabled", {}, now=now, actor=actor)
    return disabled


def resume(connection: Connection, *, now: datetime, actor: str) -> bool:
    """Use a paused or disabled connection again, because a person says so."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    resumed = bool(rows.exclude(state=Connection.State.ACTIVE).update(state=Connection.State.ACTIVE, **_UNTROUBLED))
    if resumed:
        _note(connection, "connection.resumed", {}, now=now, actor=actor)
    return resumed


def give_to(connection: Connection, brand: Brand | None, *, now: datetime, actor: str) -> bool:
    """Let it carry one brand's messages alone, or with None every brand's; False where it did so already."""
    changed = bool(
        Connection.objects.for_tenant(connection.tenant_id)
        .filter(pk=connection.pk)
        .exclude(brand=brand)
        .update(brand=brand)
    )
    if changed:
        data = {"brand": brand.code if brand is not None else "all"}
        _note(connection, "connection.brand", data, now=now, actor=actor)
    return changed


def move(connection: Connection, by: int, *, now: datetime, actor: str) -> bool:
    """Change places with the next (1) or the one before (-1) among those of its kind; False at the end."""
    rows = list(in_order(connection.tenant, connection.kind).select_for_update())
    place = next(number for number, row in enumerate(rows) if row.pk == connection.pk)
    if not 0 <= place + by < len(rows):
        return False
    rows[place], rows[place + by] = rows[place + by], rows[place]
    _number(rows)
    _note(connection, "connection.moved", {"by": by}, now=now, actor=actor)
    return True


def arrange(tenant: Tenant, kind: str, keys: Sequence[int], *, now: datetime, actor: str) -> bool:
    """Use the connections of a kind in this order; False, and nothing changes, unless each is named once."""
    rows = {row.pk: row for row in in_order(tenant, kind).select_for_update()}
    if sorted(rows) != sorted(keys):
        return False
    _number([rows[key] for key in keys])
    data = {"kind": kind, "order": list(keys)}
    audit.append(tenant.pk, actor=actor, action="connection.arranged", now=now, data=data)
    return True


def _note(connection: Connection, action: str, data: Mapping[str, Any], *, now: datetime, actor: str) -> None:
    audit.append(connection.tenant_id, actor=actor, action=action, now=now, subject=connection, data=data)


def _number(rows: Sequence[Connection]) -> None:
    for number, row in enumerate(rows, 1):
        row.priority = 10 * number
    Connection.objects.bulk_update(rows, ["priority"])


def credentials_of(connection: Connection) -> dict[str, Any]:
    """The credentials in clear, for the provider alone; raises UndecipherableSecret, never guesses."""
    if not connection.credentials:
        return {}
    opened: dict[str, Any] = json.loads(decrypt(bytes(connection.credentials)))
    return opened


def shown_settings(connection: Connection) -> dict[str, Any]:
    """The settings, for people: what the provider calls a secret is left out even where somebody kept it there."""
    try:
        fields = registry.provider(connection.kind, connection.provider).fields
    except ProviderMisconfigured:
        return {}  # nobody knows what of it is secret
    secret = {field.name for field in fields if field.secret}
    return {name: value for name, value in connection.settings.items() if name not in secret}


def open_provider(connection: Connection) -> EmailProvider | SmsProvider:
    """The provider of a connection, ready to be used (outside any transaction)."""
    return open_with(connection, credentials_of(connection), connection.settings)


def open_with(
    connection: Connection, credentials: Mapping[str, Any], options: Mapping[str, Any]
) -> EmailProvider | SmsProvider:
    """The provider of a connection, with other credentials and settings than those that are kept."""
    told = dict(options)
    if connection.provider == LOCAL:  # where the outbox stands is a matter of this host, not of the row
        told["directory"] = str(outbox_directory(connection.tenant, connection.kind))
    if connection.pk is not None and connection.kind == "sms":  # where it is to report, text by text
        told["webhook_url"] = hooks.url_of(connection)
    return registry.build(connection.kind, connection.provider, credentials, told)


def outbox_directory(tenant: Tenant, kind: str) -> Path:
    """Where the local outbox keeps a tenant's messages."""
    return Path(settings.WINBACK_HOME) / "outbox" / tenant.slug / kind


def has_no_limits(connection: Connection) -> bool:
    """Whether nobody stands behind a connection who could be written to too fast."""
    return connection.provider == LOCAL or registry.provider(connection.kind, connection.provider).for_tests


def starts_slowly(connection: Connection) -> bool:
    """Whether mailbox providers have yet to get to know its sender: not, where ``slow_start`` or limits are off."""
    told = connection.settings
    return not (has_no_limits(connection) or told.get("slow_start") is False or told.get("domain_limits") is False)


def in_order(tenant: Tenant, kind: str, brand_id: int | None = None) -> QuerySet[Connection]:
    """The connections of a kind in the order in which they are used; a brand's own come before those of all brands."""
    rows = Connection.objects.for_tenant(tenant).filter(kind=kind)
    if brand_id is not None:
        rows = rows.filter(Q(brand=None) | Q(brand_id=brand_id))
        return rows.order_by(F("brand_id").asc(nulls_last=True), "priority", "id")
    return rows.order_by("priority", "id")


def active_connection(tenant: Tenant, kind: str, brand_id: int | None = None) -> Connection | None:
    """The connection that is used for this kind of thing now: the first in order that is in use."""
    return in_order(tenant, kind, brand_id).filter(state__in=Connection.IN_USE).first()


def paused_connection(tenant: Tenant, kind: str, brand_id: int | None = None) -> Connection | None:
    """The connection of this kind that was paused by its own trouble, if there is one."""
    return in_order(tenant, kind, brand_id).filter(state=Connection.State.PAUSED).first()
