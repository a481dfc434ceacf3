"""How the services show that a report comes from them: basic auth where they sign nothing, else their signatures.

Every comparison takes as long whether it fits or not, and no error says what was expected or what came.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from winback.providers.email.services.service import Told
from winback.providers.receiving import Arrival, NotAuthentic

Authenticate = Callable[[Told, Arrival], None]
FRESH_FOR = timedelta(minutes=15)
SVIX_FRESH_FOR = timedelta(minutes=5)


def same(one: str, other: str) -> bool:
    """Whether they are equal, in constant time; nothing is equal to nothing."""
    return bool(one) and hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def secret(told: Told, name: str) -> str:
    """A secret without which nothing is authentic."""
    value = told(name)
    if not value:
        raise NotAuthentic(f"The connection has no {name.replace('_', ' ')}: nothing that arrives can be checked.")
    return value


def fresh(seconds: str, arrival: Arrival, *, within: timedelta = FRESH_FOR) -> None:
    """Raise NotAuthentic unless the Unix time is near the moment of arrival, in either direction."""
    try:
        age = abs(arrival.received_at.timestamp() - float(seconds))
    except (ValueError, OverflowError) as error:
        raise NotAuthentic("The report says no time.") from error
    if not age <= within.total_seconds():  # not a number is not fresh
        raise NotAuthentic("The report is too old, or comes from the future.")


def basic_auth(told: Told, arrival: Arrival) -> None:
    """The user name and password of the webhook's URL. Without a password, the token of the URL has to do."""
    if not told("webhook_password") and not told("webhook_username"):
        return
    scheme, _, encoded = arrival.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise NotAuthentic("The user name and password cannot be read.") from error
    if scheme.lower() != "basic" or not same(f"{told('webhook_username')}:{told('webhook_password')}", given):
        raise NotAuthentic("The user name or password is wrong.")


def hmac_of_body(name: str, header: str) -> Authenticate:
    """A hexadecimal HMAC-SHA256 of the body in a header, under the connection's secret ``name``."""

    def authenticate(told: Told, arrival: Arrival) -> None:
        expected = hmac.new(secret(told, name).encode(), arrival.body, hashlib.sha256).hexdigest()
        if not same(expected, arrival.headers.get(header, "")):
            raise NotAuthentic("The signature is wrong.")

    return authenticate


def either(name: str, signed: Authenticate, otherwise: Authenticate) -> Authenticate:
    """Signed where the connection knows the secret ``name``, else otherwise."""
    return lambda told, arrival: (signed if told(name) else otherwise)(told, arrival)


def json_body(arrival: Arrival) -> dict[str, Any]:
    """The body, where the proof stands in it."""
    try:
        body = json.loads(arrival.body)
    except (ValueError, RecursionError) as error:
        raise NotAuthentic("The report is no JSON.") from error
    if not isinstance(body, dict):
        raise NotAuthentic("The report is no JSON object.")
    return body


def mailgun(told: Told, arrival: Arrival) -> None:
    """An HMAC of a time and a token, not of the event: whoever sees a report could post another for 15 minutes.

    Therefore the token is what its key is made of: it counts once.
    """
    signature = json_body(arrival).get("signature")
    if not isinstance(signature, dict):
        raise NotAuthentic("The report has no signature.")
    timestamp, token = str(signature.get("timestamp", "")), str(signature.get("token", ""))
    signed = f"{timestamp}{token}".encode(errors="replace")
    expected = hmac.new(secret(told, "webhook_signing_key").encode(), signed, hashlib.sha256).hexdigest()
    if not token or not same(expected, str(signature.get("signature", ""))):
        raise NotAuthentic("The signature is wrong.")
    fresh(timestamp, arrival)


def svix(told: Told, arrival: Arrival) -> None:
    """The signatures of Svix, which Resend uses: of id, time and body, and of which any may fit while keys rotate."""
    try:
        key = base64.b64decode(secret(told, "signing_secret").removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAuthentic("The connection’s signing secret cannot be read.") from error
    identity, timestamp = arrival.headers.get("svix-id", ""), arrival.headers.get("svix-timestamp", "")
    signed = f"{identity}.{timestamp}.".encode(errors="replace") + arrival.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [each.partition(",") for each in arrival.headers.get("svix-signature", "").split()]
    if not identity or not any(version == "v1" and same(expected, value) for version, _, value in given):
        raise NotAuthentic("The signature is wrong.")
    fresh(timestamp, arrival, within=SVIX_FRESH_FOR)


def sendgrid(told: Told, arrival: Arrival) -> None:
    """An ECDSA signature of time and body."""
    key = _public_key(secret(told, "webhook_verification_key"))
    timestamp = arrival.headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = _decoded(arrival.headers.get("x-twilio-email-event-webhook-signature", ""))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotAuthentic("The connection’s webhook verification key is of another kind.")
    try:
        key.verify(signature, timestamp.encode(errors="replace") + arrival.body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise NotAuthentic("The signature is wrong.") from error
    fresh(timestamp, arrival)


def postal(told: Told, arrival: Arrival) -> None:
    """An RSA signature of the body: with SHA-256 where it is sent, with SHA-1 from older servers."""
    key = _public_key(secret(told, "webhook_key"))
    if not isinstance(key, rsa.RSAPublicKey):
        raise NotAuthentic("The connection’s webhook key is of another kind.")
    newer = arrival.headers.get("x-postal-signature-256", "")
    signature = _decoded(newer or arrival.headers.get("x-postal-signature", ""))
    digest = hashes.SHA256() if newer else hashes.SHA1()  # what it signs with
    try:
        key.verify(signature, arrival.body, padding.PKCS1v15(), digest)
    except InvalidSignature as error:
        raise NotAuthentic("The signature is wrong.") from error


def unisender_go(told: Told, arrival: Arrival) -> None:
    """An MD5 of the body in which the API key stands where it is put itself."""
    given = json_body(arrival).get("auth")
    if not isinstance(given, str) or len(given) != 32:
        raise NotAuthentic("The report has no signature.")
    signed = arrival.body.replace(given.encode(errors="replace"), secret(told, "api_key").encode(), 1)
    if not same(hashlib.md5(signed, usedforsecurity=False).hexdigest(), given):
        raise NotAuthentic("The signature is wrong.")


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAuthentic("The signature cannot be read.") from error


def _public_key(told: str) -> Any:
    """A public key as PEM or as the bare base64 that the services show."""
    bare = "".join(line for line in told.splitlines() if "-----" not in line)
    try:
        return serialization.load_der_public_key(base64.b64decode("".join(bare.split()), validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise NotAuthentic("The connection’s key for webhooks cannot be read.") from error
