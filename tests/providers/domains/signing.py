"""Sign a message as an outgoing mail server does (RFC 6376, relaxed/relaxed); signatures.py is held against others'."""

import base64
import hashlib

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.providers.domains.dns_server import Key
from winback.providers.domains.signatures import canonical_body, signed_data, split

ONE_CLICK = ("List-Unsubscribe", "List-Unsubscribe-Post")
USUAL = ("From", "To", "Subject", "Date", "Message-ID")


def sign(
    raw: bytes, key: Key, *, domain: str, selector: str = "s1", over: tuple[str, ...] = (*USUAL, *ONE_CLICK)
) -> bytes:
    """The message with a signature on top."""
    _, body = split(raw)
    digest = base64.b64encode(hashlib.sha256(canonical_body(body, relaxed=True)).digest()).decode()
    unsigned = (
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f" h={':'.join(over)}; bh={digest}; b="
    ).encode()
    headers, _ = split(unsigned + b"\r\n" + raw)
    data = signed_data(headers, 0, [name.lower() for name in over], relaxed=True)
    private = load_pem_private_key(key.private, None)
    assert isinstance(private, RSAPrivateKey)
    value = base64.b64encode(private.sign(data, PKCS1v15(), SHA256()))
    return unsigned + value + b"\r\n" + raw
