"""Ids for the outside: ``con_…``, ``msg_…``. They say nothing, not even how many there are, and lead back only here.

A number and its tenant fill one block of AES, which is a keyed permutation: the same row has the same id for ever, and
what nobody made decrypts to some other tenant's number and is refused (a chance of 2^-64).
"""

import base64
import binascii
import hmac
import struct
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from tenants.accounts.installation_keys import installation_key

_BLOCK = struct.Struct(">QQ")
PREFIXES = {
    "endpoint": "hook", "delivery": "evt", "contact": "con", "message": "msg", "campaign": "cmp", "lapse": "lap",
    "enrolment": "enr", "booking": "bkg", "text": "txt", "import": "imp", "activation": "act", "suppression": "sup",
    "job": "job", "connection": "conn", "task": "tsk",
}  # fmt: skip


class NotAnId(ValueError):
    """This is no id of this kind and tenant."""


@lru_cache(maxsize=64)
def _cipher(key: bytes, kind: str) -> Cipher[ECB]:
    # One block alone is ever encrypted under a key of its own purpose, so the mode has no blocks to confuse.
    return Cipher(AES(hmac.digest(key, b"opaque:" + kind.encode(), "sha256")[:16]), ECB())


def make(kind: str, tenant_id: int, number: int) -> str:
    """The id by which the outside knows this row."""
    encryptor = _cipher(installation_key("link"), kind).encryptor()
    block = encryptor.update(_BLOCK.pack(tenant_id, number))
    return f"{PREFIXES[kind]}_{base64.b32encode(block).rstrip(b'=').decode().lower()}"


def read(kind: str, tenant_id: int, text: str) -> int:
    """The row of an id; raises NotAnId for another kind's, another tenant's, or one that nobody made."""
    prefix, _, body = text.partition("_")
    if prefix != PREFIXES[kind] or len(body) != 26 or body != body.lower() or not body.isascii():
        raise NotAnId("not an id")
    try:
        block = base64.b32decode(body.upper() + "======")
    except binascii.Error as error:
        raise NotAnId("not an id") from error
    decryptor = _cipher(installation_key("link"), kind).decryptor()
    owner, number = _BLOCK.unpack(decryptor.update(block))
    if owner != tenant_id or number >= 2**63 or make(kind, tenant_id, number) != text:
        raise NotAnId("not an id")
    return int(number)
