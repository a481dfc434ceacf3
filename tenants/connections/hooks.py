"""The address at which a provider reports to one connection: nobody can guess it, and a new one ends the old one.

The token is 33 bytes (44 characters): key number, tenant, connection, generation, and 128 bits of HMAC-SHA256 over
them under the installation's link key. Nothing is looked up to see that it is ours, and a copy of the database alone
makes none: the key in it is encrypted.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F

from tenants.accounts.installation_keys import installation_key
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.providers import registry
from winback.providers.errors import ProviderMisconfigured

CURRENT_KEY = 1
_BODY = struct.Struct(">BIQI")  # key number, tenant, connection, generation
_SIGNATURE_BYTES = 16
_PURPOSE = b"webhook:"  # the link key signs other tokens, too


class UnknownAddress(ValueError):
    """This installation gave nobody such an address, or it was replaced."""


@dataclass(frozen=True)
class HookAddress:
    """What a valid token says."""

    tenant_id: int
    connection_id: int
    generation: int


def _signature(body: bytes, key_number: int) -> bytes:
    return hmac.digest(installation_key("link", key_number), _PURPOSE + body, "sha256")[:_SIGNATURE_BYTES]


def token_of(connection: Connection) -> str:
    body = _BODY.pack(CURRENT_KEY, connection.tenant_id, connection.pk, connection.hook_generation)
    return base64.urlsafe_b64encode(body + _signature(body, CURRENT_KEY)).rstrip(b"=").decode()


def read_token(token: str) -> HookAddress:
    """What the token says; raises UnknownAddress for a forged one. Whether it still holds, the connection knows."""
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise UnknownAddress("not a token") from error
    if len(raw) != _BODY.size + _SIGNATURE_BYTES or len(token) > 64:
        raise UnknownAddress("not a token")
    body, signature = raw[: _BODY.size], raw[_BODY.size :]
    key_number, tenant_id, connection_id, generation = _BODY.unpack(body)
    if key_number != CURRENT_KEY or not hmac.compare_digest(signature, _signature(body, key_number)):
        raise UnknownAddress("wrong signature")
    return HookAddress(tenant_id, connection_id, generation)


def path_of(connection: Connection) -> str:
    return f"/hooks/{connection.provider}/{token_of(connection)}/"


def url_of(connection: Connection) -> str:
    """Where the provider is told to report; empty where this provider reports nothing."""
    try:
        takes = registry.provider(connection.kind, connection.provider).takes_webhooks
    except ProviderMisconfigured:
        takes = False
    return f"{settings.WINBACK_PUBLIC_URL}{path_of(connection)}" if takes else ""


def asks_for_password(connection: Connection) -> bool:
    """Whether the provider shows who it is by a name and a password, which are then part of the address."""
    try:
        known = registry.provider(connection.kind, connection.provider).fields
    except ProviderMisconfigured:
        return False
    ways = [connection.settings.get(field.name) or field.default for field in known if field.name == "webhook_auth"]
    return "basic" in (ways or ["basic"]) and any(field.name == "webhook_password" for field in known)


def with_password(url: str) -> str:
    """The address as it is typed in at a provider that asks for basic authentication."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://USERNAME:PASSWORD@{rest}"


def replace_address(connection: Connection, *, actor: str, now: datetime) -> str:
    """Give the connection a new address; what comes to the old one is answered 404 from now on."""
    rows = Connection.objects.for_tenant(connection.tenant_id).filter(pk=connection.pk)
    rows.update(hook_generation=F("hook_generation") + 1)
    connection.refresh_from_db(fields=["hook_generation"])
    audit.append(
        connection.tenant_id, actor=actor, action="connection.webhook_replaced", now=now, subject=connection, data={}
    )
    return url_of(connection)
