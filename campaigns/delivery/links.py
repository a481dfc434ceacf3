"""The tokens in links: which tenant, which message, for which purpose, and nothing that names a person.

A token is 30 bytes (40 characters): key number, purpose, tenant, message, and 128 bits of HMAC-SHA256 over them under
the installation's own link key; one of a tracked link names the row of its destination besides (39 bytes). Keys are
numbered and never retired: an unsubscribe link works for years.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum

from django.conf import settings

from tenants.accounts.installation_keys import installation_key

CURRENT_KEY = 1
_BODY = struct.Struct(">BBIQ")  # key number, purpose, tenant, message
_CLICK_BODY = struct.Struct(">HBIQQ")  # the same and the link; a multiple of three bytes, so that there is one spelling
_SIGNATURE_BYTES = 16


class Purpose(IntEnum):
    """What a token may be used for; one made for booking opens no unsubscribe page."""

    UNSUBSCRIBE = 1
    BOOK = 2
    CLICK = 3
    OPEN = 4


class InvalidToken(ValueError):
    """The token was not made by this installation for this purpose."""


@dataclass(frozen=True)
class Link:
    """What a valid token says."""

    tenant_id: int
    message_id: int


@dataclass(frozen=True)
class Click:
    """What a valid token of a tracked link says."""

    tenant_id: int
    message_id: int
    link_id: int


def _signature(body: bytes, key_number: int) -> bytes:
    return hmac.digest(installation_key("link", key_number), body, "sha256")[:_SIGNATURE_BYTES]


def make_token(purpose: Purpose, tenant_id: int, message_id: int) -> str:
    """A signed token for a link to one message's page."""
    return _sealed(_BODY.pack(CURRENT_KEY, purpose, tenant_id, message_id))


def make_click_token(tenant_id: int, message_id: int, link_id: int) -> str:
    """A signed token for one link in one message."""
    return _sealed(_CLICK_BODY.pack(CURRENT_KEY, Purpose.CLICK, tenant_id, message_id, link_id))


def _sealed(body: bytes) -> str:
    return base64.urlsafe_b64encode(body + _signature(body, CURRENT_KEY)).rstrip(b"=").decode()


def read_token(purpose: Purpose, token: str) -> Link:
    """The tenant and message of a token; raises InvalidToken for a forged one or one of another purpose."""
    tenant_id, message_id = _opened(_BODY, purpose, token)
    return Link(tenant_id=tenant_id, message_id=message_id)


def read_click_token(token: str) -> Click:
    """What the token of a tracked link says; raises InvalidToken for any other."""
    tenant_id, message_id, link_id = _opened(_CLICK_BODY, Purpose.CLICK, token)
    return Click(tenant_id=tenant_id, message_id=message_id, link_id=link_id)


def _opened(shape: struct.Struct, purpose: Purpose, token: str) -> tuple[int, ...]:
    if len(token) > 64 or "=" in token:
        raise InvalidToken("not a token")
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error, UnicodeEncodeError) as error:
        raise InvalidToken("not a token") from error
    if len(raw) != shape.size + _SIGNATURE_BYTES:
        raise InvalidToken("not a token")
    body, signature = raw[: shape.size], raw[shape.size :]
    key_number, for_purpose, *told = shape.unpack(body)
    if key_number != CURRENT_KEY or for_purpose != purpose:
        raise InvalidToken("made for something else")
    if not hmac.compare_digest(signature, _signature(body, key_number)):
        raise InvalidToken("wrong signature")
    return tuple(told)


def unsubscribe_url(tenant_id: int, message_id: int) -> str:
    return f"{settings.WINBACK_PUBLIC_URL}/u/{make_token(Purpose.UNSUBSCRIBE, tenant_id, message_id)}"


def booking_url(tenant_id: int, message_id: int) -> str:
    return f"{settings.WINBACK_PUBLIC_URL}/book/{make_token(Purpose.BOOK, tenant_id, message_id)}"


def click_url(tenant_id: int, message_id: int, link_id: int) -> str:
    return f"{settings.WINBACK_PUBLIC_URL}/t/{make_click_token(tenant_id, message_id, link_id)}"


def open_url(tenant_id: int, message_id: int) -> str:
    return f"{settings.WINBACK_PUBLIC_URL}/o/{make_token(Purpose.OPEN, tenant_id, message_id)}.gif"
