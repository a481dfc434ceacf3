"""What a gateway reports, by configuration: where status and text stand, and how it shows that it is the gateway."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from winback.providers.handing import is_reference
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, Report, ReportKind
from winback.providers.sms.base import reference_in
from winback.providers.sms.gateway_template import at, text_at

Told = Callable[[str], str]
MOST_EVENTS = 1_000
_OURS = {
    "accepted": ReportKind.ACCEPTED,
    "delivered": ReportKind.DELIVERED,
    "bounced": ReportKind.BOUNCED,
    "failed": ReportKind.FAILED,
}


def authenticate(told: Told, arrival: Arrival) -> None:
    """Raise NotAuthentic unless the gateway shows the secret, or signed the body with it."""
    match told("webhook_auth"):
        case "basic":
            given = _basic(arrival.headers.get("authorization", ""))
            expected = f"{told('webhook_username')}:{told('webhook_password')}" if told("webhook_password") else ""
        case "shared_secret":
            given, expected = arrival.headers.get(told("webhook_header").lower(), ""), told("webhook_secret")
        case _:
            given, expected = _signatures(told, arrival)
    if not expected:
        raise NotAuthentic("The connection has no secret for what the gateway reports: set one.")
    if not hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace")):
        raise NotAuthentic("The secret or signature is wrong.")


def _signatures(told: Told, arrival: Arrival) -> tuple[str, str]:
    """What was given and what is expected: HMAC-SHA256 of the body, in hexadecimal or base64, ``sha256=`` before it."""
    secret = told("webhook_secret")
    given = arrival.headers.get(told("webhook_header").lower(), "").removeprefix("sha256=")
    digest = hmac.digest(secret.encode(), arrival.body, "sha256") if secret else b""
    is_hex = len(given) == hashlib.sha256().digest_size * 2
    return (given.lower(), digest.hex()) if is_hex else (given, base64.b64encode(digest).decode())


def _basic(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        return ""


def read(told: Told, arrival: Arrival) -> Sequence[Report]:
    """The reports of one request; raises NotUnderstood when nothing of it is where it is said to be."""
    document = _document(arrival)
    found = at(document, told("events_pointer"))
    events = found if isinstance(found, list) else [found]
    if len(events) > MOST_EVENTS:
        raise NotUnderstood(f"It holds more than {MOST_EVENTS} events.")
    meanings = _meanings(told)
    reports = [report for event in events for report in _reports(told, meanings, event, arrival)]
    if not reports:
        raise NotUnderstood("Neither a status nor a text stands where the connection's settings say.")
    return reports


def _document(arrival: Arrival) -> Any:
    if arrival.method == "GET":
        return dict(parse_qsl(urlsplit(arrival.url).query, keep_blank_values=True))
    text = arrival.body.decode("utf-8", "replace")
    if "form" in arrival.headers.get("content-type", "").lower():
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("It is no JSON.") from error


def _meanings(told: Told) -> dict[str, ReportKind]:
    try:
        said = json.loads(told("statuses"))
        return {str(word).lower(): _OURS[str(ours)] for word, ours in said.items()}
    except (ValueError, AttributeError, KeyError, RecursionError) as error:
        raise NotUnderstood("What its statuses mean cannot be read in the connection's settings.") from error


def _reports(told: Told, meanings: dict[str, ReportKind], event: Any, arrival: Arrival) -> list[Report]:
    status = text_at(event, told("status_pointer"))
    if status:
        return [_became(told, meanings, status, event, arrival)]
    sender, words = text_at(event, told("text_from_pointer")), at(event, told("text_pointer") or "-")
    if not sender or not isinstance(words, str):
        return []
    identity = text_at(event, told("text_id_pointer"))
    # Without an id, the same words from the same number on one day are one text.
    same = f"{sender}|{words}|{arrival.received_at:%Y-%m-%d}"
    return [
        Report(
            ReportKind.REPLIED,
            key=f"in-{identity or hashlib.sha256(same.encode()).hexdigest()}"[:120],
            provider_id=identity[:200],
            address=_international(sender),
            text=words,
            sent_to=text_at(event, told("text_to_pointer")),
        )
    ]


def _international(sender: str) -> str:
    """Many gateways leave the plus sign away; what may be a national number is left as it is."""
    return f"+{sender}" if sender.isdecimal() and 11 <= len(sender) <= 15 and not sender.startswith("0") else sender


def _became(told: Told, meanings: dict[str, ReportKind], status: str, event: Any, arrival: Arrival) -> Report:
    kind = meanings.get(status.lower())
    if kind is None:
        raise NotUnderstood(f"The gateway reports the status {status[:40]!r}, of which no meaning is set.")
    reference = text_at(event, told("status_reference_pointer")) or reference_in(arrival.url)
    identity = text_at(event, told("status_id_pointer"))
    error = text_at(event, told("status_error_pointer"))
    dead = {each.strip() for each in told("dead_errors").split(",") if each.strip()}
    failed = kind in (ReportKind.BOUNCED, ReportKind.FAILED)
    return Report(
        kind,
        key=f"{identity or reference}-{status.lower()}"[:120],
        reference=reference if is_reference(reference) else "",
        provider_id=identity[:200],
        bounce=BounceClass.HARD if failed and error in dead else BounceClass.UNKNOWN,
        code=error[:60] if failed else "",
    )
