"""Mail that came back to our return address: delivery reports (RFC 3464) and complaints (RFC 5965), in our words.

Ours is found again by the Message-ID of the returned headers, which holds our reference. What says nothing for certain
(a vacation, a notice that it is delayed, a letter) is no report. Only the standard forms are read: guessing at the
words of old mail servers suppresses the wrong people.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime
from hashlib import sha256

from winback.providers.bouncing import classify, enhanced_status
from winback.providers.receiving import NotUnderstood, Report, ReportKind

MOST_RECIPIENTS = 50
_REFERENCE = re.compile(r"<\s*([A-Za-z0-9_=-]{1,60})(?:\.[^@<>\s]*)?@[^<>\s]+>")
_ADDRESS = re.compile(r"[^\s<>;,\"]+@[^\s<>;,\"]+")
_FEEDBACK = {
    "abuse": ReportKind.COMPLAINED,
    "complaint": ReportKind.COMPLAINED,
    "fraud": ReportKind.COMPLAINED,
    "opt-out": ReportKind.UNSUBSCRIBED,
    "opt-out-list": ReportKind.UNSUBSCRIBED,
}
_ACTIONS = {"failed": ReportKind.BOUNCED, "delivered": ReportKind.DELIVERED}


def read(raw: bytes) -> Sequence[Report]:
    """What a mail reports; nothing for one that reports nothing. Raises NotUnderstood for what is no mail at all."""
    try:
        mail = message_from_bytes(raw, policy=compat32)
        return list(_reports(mail, sha256(raw).hexdigest()[:40]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NotUnderstood(f"This mail cannot be read ({type(error).__name__}).") from error


def _reports(mail: Message, mark: str) -> Iterator[Report]:
    for number, part in enumerate(mail.walk()):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            yield from _of_delivery(mail, part, f"{mark}:{number}")
        elif kind == "message/feedback-report":
            yield from _of_feedback(mail, part, f"{mark}:{number}")


def _of_delivery(mail: Message, part: Message, mark: str) -> Iterator[Report]:
    reference, _ = _returned(mail)
    for number, fields in enumerate(_blocks(part)[:MOST_RECIPIENTS]):
        action = _field(fields, "Action").split(" ")[0].lower()
        kind = _ACTIONS.get(action)
        address = _typed(_field(fields, "Original-Recipient")) or _typed(_field(fields, "Final-Recipient"))
        if kind is None or not address:  # delayed, relayed, expanded; or the block about the message itself
            continue
        status, said = enhanced_status(_field(fields, "Status")), _field(fields, "Diagnostic-Code")
        if kind is ReportKind.BOUNCED and status.startswith("4.") and not said:
            said = "timed out"  # given up after days of trying
        yield Report(
            kind=kind,
            key=f"dsn:{mark}:{number}",
            occurred_at=_moment(_field(fields, "Last-Attempt-Date") or str(mail.get("Date", ""))),
            reference=reference,
            address=address,
            bounce=classify(status, diagnostic=said),
            code=status,
            detail=said[:300],
        )


def _of_feedback(mail: Message, part: Message, mark: str) -> Iterator[Report]:
    fields = next(iter(_blocks(part)), None)
    if fields is None:
        return
    kind = _FEEDBACK.get(_field(fields, "Feedback-Type").lower())
    reference, recipient = _returned(mail)
    address = _typed(_field(fields, "Original-Rcpt-To")) or recipient
    if kind is not None:  # a report on authentication, or that it is no spam, forbids nothing
        yield Report(
            kind=kind,
            key=f"arf:{mark}",
            occurred_at=_moment(_field(fields, "Arrival-Date") or str(mail.get("Date", ""))),
            reference=reference,
            address=address,
            code=_field(fields, "Feedback-Type").lower()[:60],
        )


def _blocks(part: Message) -> list[Message]:
    """The groups of fields of a report: parsed as messages by the standard library, or still text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    decoded = part.get_payload(decode=True)
    text = decoded if isinstance(decoded, bytes) else b""
    return [message_from_bytes(block.strip()) for block in re.split(rb"\r?\n\r?\n", text) if block.strip()]


def _field(fields: Message, name: str) -> str:
    return " ".join(str(fields.get(name, "")).split())


def _typed(value: str) -> str:
    """The address of ``rfc822; person@example.com``."""
    found = _ADDRESS.search(value.rpartition(";")[2])
    return found[0] if found else ""


def _returned(mail: Message) -> tuple[str, str]:
    """Our reference and the recipient, from the message (or the headers of it) that came back."""
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            headers = message_from_bytes(body if isinstance(body, bytes) else b"")
        elif (
            part.get_content_type() == "message/rfc822" and isinstance(part.get_payload(), list) and part.get_payload()
        ):
            headers = part.get_payload(0)  # type: ignore[assignment]
        else:
            continue
        found = _REFERENCE.search(str(headers.get("Message-ID", "")))
        return (found[1] if found else ""), _typed(str(headers.get("To", "")))
    return "", ""


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
