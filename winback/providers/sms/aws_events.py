"""What AWS reports of texts, in the message of an SNS notification, as it is or wrapped by EventBridge."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from winback.providers.handing import is_reference
from winback.providers.receiving import Arrival, BounceClass, NotUnderstood, Report, ReportKind

CONTEXT = "winback"
"""The key of our reference in a text's context, which its events bring back."""

# docs.aws.amazon.com/sms-voice, "SMS and MMS events". A text is accepted until its carrier says more.
_EVENTS: Mapping[str, tuple[ReportKind, BounceClass]] = {
    **dict.fromkeys(
        ("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT", "TEXT_SUCCESSFUL"), (ReportKind.ACCEPTED, BounceClass.UNKNOWN)
    ),
    "TEXT_DELIVERED": (ReportKind.DELIVERED, BounceClass.UNKNOWN),
    "TEXT_INVALID": (ReportKind.BOUNCED, BounceClass.HARD),
    "TEXT_INVALID_MESSAGE": (ReportKind.FAILED, BounceClass.CONTENT),
    "TEXT_UNREACHABLE": (ReportKind.BOUNCED, BounceClass.SOFT),
    "TEXT_CARRIER_UNREACHABLE": (ReportKind.BOUNCED, BounceClass.SOFT),
    "TEXT_TTL_EXPIRED": (ReportKind.BOUNCED, BounceClass.SOFT),
    "TEXT_BLOCKED": (ReportKind.BOUNCED, BounceClass.BLOCKED),
    "TEXT_CARRIER_BLOCKED": (ReportKind.BOUNCED, BounceClass.BLOCKED),
    "TEXT_PROTECT_BLOCKED": (ReportKind.FAILED, BounceClass.BLOCKED),
    "TEXT_SPAM": (ReportKind.BOUNCED, BounceClass.BLOCKED),
    "TEXT_UNKNOWN": (ReportKind.FAILED, BounceClass.UNKNOWN),
}


def read(arrival: Arrival) -> Sequence[Report]:
    """The event or the text in an authenticated notification; raises NotUnderstood."""
    try:
        outer = json.loads(arrival.body)
        told = json.loads(outer["Message"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotUnderstood("It is no notification with a JSON message.") from error
    if isinstance(told, dict) and isinstance(told.get("detail"), dict):
        told = told["detail"]
    if not isinstance(told, dict):
        raise NotUnderstood("The message is no event.")
    if "inboundMessageId" in told:
        return [_received(told)]
    return [_became(told)]


def _received(told: Mapping[str, Any]) -> Report:
    identity = str(told["inboundMessageId"])
    return Report(
        ReportKind.REPLIED,
        key=f"in-{identity}"[:120],
        provider_id=identity[:200],
        address=str(told.get("originationNumber") or ""),
        text=str(told.get("messageBody") or ""),
        sent_to=str(told.get("destinationNumber") or ""),
    )


def _became(told: Mapping[str, Any]) -> Report:
    event, identity = str(told.get("eventType") or ""), str(told.get("messageId") or "")
    if event not in _EVENTS or not identity:
        raise NotUnderstood(f"AWS reports an unknown event: {event[:40]!r}.")
    kind, bounce = _EVENTS[event]
    failed = kind in (ReportKind.BOUNCED, ReportKind.FAILED)
    context = told.get("context")
    reference = str(context.get(CONTEXT) or "") if isinstance(context, dict) else ""
    return Report(
        kind,
        key=f"{identity}-{event}"[:120],
        occurred_at=_moment(told.get("eventTimestamp")),
        reference=reference if is_reference(reference) else "",
        provider_id=identity[:200],
        address=str(told.get("destinationPhoneNumber") or ""),
        bounce=bounce,
        code=str(told.get("messageStatus") or "")[:60] if failed else "",
        detail=str(told.get("messageStatusDescription") or "")[:300],
    )


def _moment(milliseconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
