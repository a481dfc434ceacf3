"""Checking DKIM signatures (RFC 6376; RFC 8301 for what is too weak; RFC 8463 for Ed25519) of a message as received.

Our own, because the one library for it comes as source alone, and what is installed here comes as checked binaries; it
is held against signatures that others made (tests/providers/domains/signed/).
"""

import base64
import binascii
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from winback.providers.domains.lookup import Lookup
from winback.providers.domains.names import is_under, plain

_MOST = 8
_LEAST_BITS = 1024
_NEEDED = ("v", "a", "b", "bh", "d", "h", "s")
_METHODS = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
_BLANKS = re.compile(rb"[ \t]+")

Header = tuple[str, bytes]
"""The name in lower case, and the whole of it as it came, with its folds and without the last line break."""


class _Broken(Exception):
    """Why a signature does not hold."""


@dataclass(frozen=True)
class Signature:
    """One DKIM signature: who signed what, and whether that holds."""

    domain: str
    selector: str
    headers: frozenset[str]
    valid: bool
    problem: str = ""
    partial: bool = False
    """It covers a part of the body alone (l=): anybody may add to it."""


def split(raw: bytes) -> tuple[list[Header], bytes]:
    """The headers and the body of a message whose lines end with CRLF."""
    top, _, body = raw.partition(b"\r\n\r\n")
    headers: list[Header] = []
    for line in top.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and headers:
            name, before = headers[-1]
            headers[-1] = (name, before + b"\r\n" + line)
        elif b":" in line:
            headers.append((line.partition(b":")[0].strip().lower().decode("latin-1"), line))
    return headers, body


def check_all(raw: bytes, lookup: Lookup, *, now: datetime) -> list[Signature]:
    """Every signature of a message, from the top; raises LookupFailed when the DNS gives no answer about a key."""
    headers, body = split(raw)
    places = [place for place, (name, _) in enumerate(headers) if name == "dkim-signature"]
    return [_check(headers, place, body, lookup, now=now) for place in places[:_MOST]]


def _check(headers: Sequence[Header], place: int, body: bytes, lookup: Lookup, *, now: datetime) -> Signature:
    tags = _tags(headers[place][1].partition(b":")[2].decode("latin-1"))
    signed = [name.strip().lower() for name in tags.get("h", "").split(":") if name.strip()]
    problem = ""
    try:
        _verify(headers, place, body, tags, signed, lookup, now=now)
    except _Broken as reason:
        problem = str(reason)
    return Signature(plain(tags.get("d", "")), tags.get("s", ""), frozenset(signed), not problem, problem, "l" in tags)


def _tags(text: str) -> dict[str, str]:
    """The tags of a signature or a key, without blanks in their values."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip(), "".join(value.split()))
    return found


def _verify(
    headers: Sequence[Header],
    place: int,
    body: bytes,
    tags: dict[str, str],
    signed: list[str],
    lookup: Lookup,
    *,
    now: datetime,
) -> None:
    missing = [name for name in _NEEDED if not tags.get(name)]
    if missing or tags["v"] != "1":
        raise _Broken(f"it lacks {', '.join(missing)}" if missing else "it is of an unknown version")
    kind = _METHODS.get(tags["a"].lower())
    if kind is None:
        raise _Broken(f"{tags['a']} is no longer accepted")
    if "from" not in signed:
        raise _Broken("it does not cover From")
    if "i" in tags and not is_under(tags["i"].rpartition("@")[2].lower(), tags["d"].lower()):
        raise _Broken("i= is outside of d=")
    if tags.get("x", "").isdecimal() and int(tags["x"]) < now.timestamp():
        raise _Broken("it has expired")
    how_headers, _, how_body = tags.get("c", "simple/simple").lower().partition("/")
    how_body = how_body or "simple"
    if {how_headers, how_body} - {"simple", "relaxed"}:
        raise _Broken("its canonicalization is unknown")
    content = canonical_body(body, relaxed=how_body == "relaxed")
    if tags.get("l", "").isdecimal():
        content = content[: int(tags["l"])]
    if base64.b64encode(hashlib.sha256(content).digest()).decode() != tags["bh"]:
        raise _Broken("the body was changed after it was signed")
    data = signed_data(headers, place, signed, relaxed=how_headers == "relaxed")
    _prove(_key(tags, kind, lookup), tags["b"], data)


def canonical_body(body: bytes, *, relaxed: bool) -> bytes:
    """The body as it is hashed."""
    if relaxed:
        body = b"\r\n".join(_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    body = re.sub(rb"(?:\r\n)+\Z", b"", body)
    if body:
        return body + b"\r\n"
    return b"" if relaxed else b"\r\n"


def canonical_header(header: Header, *, relaxed: bool) -> bytes:
    """A header as it is hashed, without its last line break."""
    name, whole = header
    if not relaxed:
        return whole
    value = _BLANKS.sub(b" ", whole.partition(b":")[2].replace(b"\r\n", b""))
    return name.encode("latin-1") + b":" + value.strip(b" ")


def signed_data(headers: Sequence[Header], place: int, signed: Sequence[str], *, relaxed: bool) -> bytes:
    """What was signed: the named headers, each name from the bottom up, then the signature without its value."""
    waiting: dict[str, list[Header]] = defaultdict(list)
    for position, header in enumerate(headers):
        if position != place:
            waiting[header[0]].append(header)
    lines = [canonical_header(waiting[name].pop(), relaxed=relaxed) for name in signed if waiting[name]]
    own = canonical_header(headers[place], relaxed=relaxed)
    return b"".join(line + b"\r\n" for line in lines) + _without_value(own)


def _without_value(signature: bytes) -> bytes:
    """The header with an empty b=, which is not bh=."""
    return re.sub(rb"((?:;|:)[ \t\r\n]*b[ \t\r\n]*=)[^;]*", rb"\1", signature, count=1)


def _key(tags: dict[str, str], kind: str, lookup: Lookup) -> RSAPublicKey | Ed25519PublicKey:
    name = f"{tags['s']}._domainkey.{tags['d']}"
    texts = [text for text in lookup.txt(name).records if "p" in _tags(text)]
    if not texts:
        raise _Broken(f"there is no key at {name}")
    record = _tags(texts[0])
    if not record["p"]:
        raise _Broken(f"the key at {name} is revoked")
    if record.get("k", "rsa").lower() != kind:
        raise _Broken(f"the key at {name} is of another kind")
    if "h" in record and "sha256" not in record["h"].lower().split(":"):
        raise _Broken(f"the key at {name} is not for SHA-256")
    try:
        raw = base64.b64decode(record["p"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw) if kind == "ed25519" else load_der_public_key(raw)
    except (binascii.Error, ValueError) as error:
        raise _Broken(f"the key at {name} cannot be read") from error
    if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_BITS:
        raise _Broken(f"the key at {name} has {key.key_size} bits alone")
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise _Broken(f"the key at {name} is of another kind")
    return key


def _prove(key: RSAPublicKey | Ed25519PublicKey, value: str, data: bytes) -> None:
    try:
        signature = base64.b64decode(value, validate=True)
        if isinstance(key, RSAPublicKey):
            key.verify(signature, data, PKCS1v15(), SHA256())
        else:
            key.verify(signature, hashlib.sha256(data).digest())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise _Broken("the headers were changed after it was made, or the key is another one") from error


def names(signatures: Sequence[Signature]) -> Iterator[str]:
    """Who signed, as people read it."""
    yield from sorted({f"{each.domain} (selector {each.selector})" for each in signatures})
