"""What Amazon SNS posts: whether it is signed by Amazon, for a topic that we expect, and how a topic is confirmed.

No library that is kept up does this in Python; the rules are Amazon's own (Developer Guide, “Verifying the signatures
of Amazon SNS messages”).
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from requests.exceptions import RequestException

from winback.providers import http
from winback.providers.errors import ProviderTrouble
from winback.providers.receiving import Arrival, NotAuthentic

Fetch = Callable[[str], bytes]
"""What stands at an address of Amazon's."""
FRESH_FOR = timedelta(hours=1)
_HOST = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\Z")
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_MOST_OCTETS = 100_000


def message(arrival: Arrival) -> dict[str, str]:
    """The texts of the message in an arrival, with its headers saying the same; raises NotAuthentic."""
    try:
        body = json.loads(arrival.body)
    except (ValueError, RecursionError) as error:
        raise NotAuthentic("This is no SNS message.") from error
    if not isinstance(body, dict):
        raise NotAuthentic("This is no SNS message.")
    texts = {name: value for name, value in body.items() if isinstance(value, str)}
    if texts.get("Type") not in _SIGNED or arrival.headers.get("x-amz-sns-message-type") != texts["Type"]:
        raise NotAuthentic("The header and the body are of different types, or of an unknown one.")
    return texts


def is_notification(arrival: Arrival) -> bool:
    """Whether it carries an event (or what cannot be read), and is not about the subscription itself."""
    try:
        return message(arrival)["Type"] == "Notification"
    except NotAuthentic:
        return True


def verify(arrival: Arrival, *, topics: frozenset[str], fetch: Fetch) -> dict[str, str]:
    """The message, once it is certain that Amazon signed it, lately, for one of the topics; raises NotAuthentic."""
    body = message(arrival)
    if body.get("TopicArn") not in topics:
        raise NotAuthentic("The topic is not one of those that the connection names.")
    _fresh(body.get("Timestamp", ""), arrival.received_at)
    url = body.get("SigningCertURL", "")
    if not is_amazons(url) or not urlsplit(url).path.endswith(".pem"):
        raise NotAuthentic("The certificate is not Amazon’s.")
    algorithm = _HASHES.get(body.get("SignatureVersion", ""))
    if algorithm is None:
        raise NotAuthentic("The signature is of an unknown version.")
    try:
        signature = base64.b64decode(body.get("Signature", ""), validate=True)
        _key(fetch(url)).verify(signature, _canonical(body), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise NotAuthentic("The signature is wrong.") from error
    return body


def confirm(body: Mapping[str, Any], *, fetch: Fetch) -> bool:
    """Confirm the subscription that a verified message asks for; False when it asks for none."""
    if body.get("Type") != "SubscriptionConfirmation":
        return False
    url = str(body.get("SubscribeURL", ""))
    if not is_amazons(url):
        raise NotAuthentic("The address that would confirm the subscription is not Amazon’s.")
    fetch(url)
    return True


def is_amazons(url: str) -> bool:
    """Whether the address is one of SNS itself, over TLS, on its own port, with nobody's name in it."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme == "https"
            and _HOST.match(parts.netloc) is not None  # no port, no user: the whole of it
            and not re.search(r"[\s\\]", url)
        )
    except ValueError:
        return False


def _canonical(body: Mapping[str, str]) -> bytes:
    names = [name for name in _SIGNED[body["Type"]] if name in body]
    return "".join(f"{name}\n{body[name]}\n" for name in names).encode()


def _fresh(timestamp: str, received_at: datetime) -> None:
    try:
        said = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise NotAuthentic("The message says no time.") from error
    age = received_at - (said if said.tzinfo is not None else said.replace(tzinfo=UTC))
    if not -FRESH_FOR <= age <= FRESH_FOR:
        raise NotAuthentic("The message is older than an hour, or comes from the future.")


@lru_cache(maxsize=32)
def _key(pem: bytes) -> rsa.RSAPublicKey:
    key = x509.load_pem_x509_certificate(pem).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("no RSA key")
    return key


def fetched(url: str) -> bytes:
    """What stands at one of Amazon's addresses, over a session that goes nowhere else; raises ProviderTrouble."""
    with http.strict(requests.Session()) as session:
        try:
            answer = session.get(url, timeout=(http.CONNECT_SECONDS, 20))
        except RequestException as error:
            raise ProviderTrouble(f"Amazon SNS does not answer ({type(error).__name__}).") from error
    if answer.status_code != 200 or len(answer.content) > _MOST_OCTETS:
        raise ProviderTrouble(f"Amazon SNS answered {answer.status_code}.")
    return answer.content


@lru_cache(maxsize=32)
def certificate(url: str) -> bytes:
    """A certificate of SNS, kept for the life of the process: a new one has a new address."""
    return fetched(url)
