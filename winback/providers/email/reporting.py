"""What a service posted to our webhook, in our words: anymail reads it, this maps what it found."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from anymail.exceptions import AnymailError
from django.core.handlers.wsgi import WSGIRequest
from django.utils.module_loading import import_string

from winback.providers.bouncing import classify, enhanced_status
from winback.providers.email.services.service import METADATA_KEY, Service, Webhook
from winback.providers.receiving import Arrival, BounceClass, NotUnderstood, Report, ReportKind

_KINDS = {
    "queued": ReportKind.ACCEPTED,
    "sent": ReportKind.ACCEPTED,
    "delivered": ReportKind.DELIVERED,
    "deferred": ReportKind.DEFERRED,
    "bounced": ReportKind.BOUNCED,
    "rejected": ReportKind.FAILED,
    "failed": ReportKind.FAILED,
    "complained": ReportKind.COMPLAINED,
    "unsubscribed": ReportKind.UNSUBSCRIBED,
    "opened": ReportKind.OPENED,
    "clicked": ReportKind.CLICKED,
}
# Where the service's own event says nothing. “bounced” alone may be a full mailbox: that decides nobody.
_HINTS = {
    "invalid": BounceClass.HARD,
    "timed_out": BounceClass.SOFT,
    "blocked": BounceClass.BLOCKED,
    "spam": BounceClass.BLOCKED,
}
_DID_NOT_ARRIVE = frozenset({ReportKind.BOUNCED, ReportKind.DEFERRED, ReportKind.FAILED})
_REFERENCE = re.compile(r"[A-Za-z0-9_=-]{1,60}\Z")
_UNREADABLE = (
    KeyError, TypeError, AttributeError, IndexError, ValueError, AssertionError, OverflowError, OSError, RecursionError,
    AnymailError,
)  # fmt: skip


def reports(service: Service, arrival: Arrival) -> Sequence[Report]:
    """What an authenticated arrival reports; raises NotUnderstood when it cannot be read. Incoming mail is not read."""
    webhook = service.webhook
    if webhook is None:
        raise NotUnderstood(f"{service.label} sends no webhooks.")
    try:
        return list(_read(service, webhook, arrival))
    except _UNREADABLE as error:
        raise NotUnderstood(f"{service.label}’s report cannot be read ({type(error).__name__}).") from error


def _read(service: Service, webhook: Webhook, arrival: Arrival) -> Iterator[Report]:
    view_class: Any = import_string(webhook.view)
    # Without its constructor: that would read the global settings, and is for what was authenticated already.
    view = view_class.__new__(view_class)
    for event in view.parse_events(_request(arrival)):
        report = _report(service.code, webhook, event)
        if report is not None:
            yield report


def _request(arrival: Arrival) -> WSGIRequest:
    """The arrival as anymail's views want it."""
    parts = urlsplit(arrival.url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": arrival.method,
        "PATH_INFO": parts.path,
        "QUERY_STRING": parts.query,
        "CONTENT_TYPE": arrival.headers.get("content-type", "application/json"),
        "CONTENT_LENGTH": str(len(arrival.body)),
        "wsgi.input": BytesIO(arrival.body),
    }
    for name, value in arrival.headers.items():
        environ.setdefault(f"HTTP_{name.upper().replace('-', '_')}", value)
    return WSGIRequest(environ)


def _report(code: str, webhook: Webhook, event: Any) -> Report | None:
    said = event.esp_event
    kind = webhook.kind(said) or _KINDS.get(event.event_type)
    if kind is None:  # an automatic answer, a subscription, something new: nothing that we keep
        return None
    status, bounce = "", BounceClass.UNKNOWN
    if kind in _DID_NOT_ARRIVE:
        status, hint = webhook.bounce(said)
        if hint is BounceClass.UNKNOWN:
            hint = _HINTS.get(event.reject_reason or "", hint)
        diagnostic = str(event.mta_response or event.description or "")
        bounce = classify(status, diagnostic=diagnostic, hint=hint)
        status = enhanced_status(status) or enhanced_status(diagnostic) or status
    seen = kind in (ReportKind.OPENED, ReportKind.CLICKED)
    return Report(
        kind=kind,
        key=_key(code, webhook, kind, event),
        occurred_at=event.timestamp if isinstance(event.timestamp, datetime) else None,
        reference=_reference(webhook, event),
        provider_id=str(event.message_id or "")[:200],
        address=str(event.recipient or ""),
        bounce=bounce,
        code=status[:60],
        detail=" ".join(str(event.mta_response or event.description or "").split())[:300],
        machine=webhook.machine(said) if seen else None,
        url=str(event.click_url or "")[:2000] if seen else "",
        user_agent=str(event.user_agent or "")[:300],
    )


def _reference(webhook: Webhook, event: Any) -> str:
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    found = str(metadata.get(METADATA_KEY) or webhook.reference(event.esp_event) or "")
    return found if _REFERENCE.match(found) else ""


def _key(code: str, webhook: Webhook, kind: ReportKind, event: Any) -> str:
    """The same each time that this is reported. The event's own id, and for whom: one id may stand for several."""
    if single := webhook.key(event.esp_event):
        return f"{code}:{_digest([single])}"
    if event.event_id:
        parts = [str(event.event_id), str(event.recipient or "")]
    else:
        moment = event.timestamp.isoformat() if isinstance(event.timestamp, datetime) else ""
        error = event.esp_event.get("error") if isinstance(event.esp_event, dict) else ""
        said = (
            event.message_id,
            event.recipient,
            moment,
            event.click_url,
            event.mta_response,
            event.description,
            error,
        )
        parts = [str(part or "") for part in said]
    return f"{code}:{kind}:{_digest(parts)}"


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="replace")).hexdigest()[:40]
