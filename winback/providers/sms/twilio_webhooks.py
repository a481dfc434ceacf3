"""What Twilio posts: status callbacks of our texts, and texts that people send. Signed with the account's token."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs, parse_qsl, urlsplit

from twilio.request_validator import RequestValidator, get_signature_algorithm

from winback.providers.reasons import ADDRESS_IS_DEAD, Reason
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, Report, ReportKind
from winback.providers.sms.base import reference_in
from winback.providers.sms.twilio_errors import TWILIO_ERRORS, About

NOTHING_TO_SAY = ("text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
"""An empty TwiML document: any other answer to a text would be sent to whoever wrote it."""

# https://www.twilio.com/docs/messaging/guides/track-outbound-message-status. They come in any order.
_STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), ReportKind.ACCEPTED),
    **dict.fromkeys(("delivered", "read", "partially_delivered"), ReportKind.DELIVERED),
    "undelivered": ReportKind.BOUNCED,
    **dict.fromkeys(("failed", "canceled"), ReportKind.FAILED),
}
_CLASSES = {
    Reason.NUMBER_UNREACHABLE: BounceClass.SOFT,
    Reason.CONTENT_REFUSED: BounceClass.CONTENT,
    Reason.BLOCKED_BY_CARRIER: BounceClass.BLOCKED,
    Reason.REGION_NOT_ENABLED: BounceClass.BLOCKED,
    Reason.OPTED_OUT_AT_PROVIDER: BounceClass.BLOCKED,
}
_ANSWERED = frozenset({"STOP", "START", "HELP"})
_MOST_FIELDS = 200


class _Form(dict[str, list[str]]):
    """Every value of every field, as the validator asks for them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def authenticate(arrival: Arrival, *, token: str, account_sid: str) -> None:
    """Raise NotAuthentic unless the signature is that of the address, the form or the JSON, under this token."""
    if not token:
        raise NotAuthentic("The connection has no auth token: what Twilio posts cannot be checked without.")
    signature = arrival.headers.get("x-twilio-signature", "")
    if not signature or not signature.isascii():
        raise NotAuthentic("The request has no signature.")
    algorithm = get_signature_algorithm(arrival.headers.get("x-twilio-webhooks-signature-settings", ""))
    params: str | _Form
    if _is_json(arrival):
        if "bodySHA256" not in parse_qs(urlsplit(arrival.url).query):
            raise NotAuthentic("The body is not covered by the signature.")
        params = _text(arrival)
    else:
        try:
            pairs = parse_qs(_text(arrival), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise NotAuthentic("The form has too many fields.") from error
        params = _Form(pairs)
    try:
        genuine = RequestValidator(token).validate(arrival.url, params, signature, algorithm)
    except ValueError as error:  # an unknown algorithm, an address with an impossible port
        raise NotAuthentic("The signature cannot be checked.") from error
    if not genuine:
        raise NotAuthentic("The signature is wrong.")
    told = _fields(arrival).get("AccountSid", account_sid)
    if told != account_sid:
        raise NotAuthentic("It is about another account.")


def _is_json(arrival: Arrival) -> bool:
    return "json" in arrival.headers.get("content-type", "").lower()


def _text(arrival: Arrival) -> str:
    try:
        return arrival.body.decode()
    except UnicodeDecodeError as error:
        raise NotAuthentic("The body is not in UTF-8.") from error


def _fields(arrival: Arrival) -> Mapping[str, str]:
    if not _is_json(arrival):
        text = arrival.body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    try:
        body = json.loads(arrival.body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(body, dict):
        return {}
    return {str(name): str(value) for name, value in body.items() if isinstance(value, str | int)}


def read(arrival: Arrival) -> Sequence[Report]:
    """A text that somebody sent, or what became of one of ours."""
    told = _fields(arrival)
    sid, status = told.get("MessageSid") or told.get("SmsSid", ""), told.get("MessageStatus", "").lower()
    if not sid:
        raise NotUnderstood("It names no message.")
    if not status and told.get("SmsStatus", "received").lower() == "received":
        return [_received(sid, told)]
    status = status or told["SmsStatus"].lower()
    if status not in _STATUSES:
        raise NotUnderstood(f"Twilio reports an unknown status: {status[:40]!r}.")
    return _became(sid, status, told, reference_in(arrival.url))


def _received(sid: str, told: Mapping[str, str]) -> Report:
    media = told.get("NumMedia", "0")
    body = told.get("Body", "")
    if not body.strip() and media not in ("", "0"):
        body = f"({media} pictures or files)" if media != "1" else "(a picture or file)"
    opt_out = told.get("OptOutType", "").upper()
    return Report(
        ReportKind.REPLIED,
        key=f"in-{sid}"[:120],
        provider_id=sid,
        address=told.get("From", ""),
        text=body,
        sent_to=told.get("To", ""),
        answered_by_provider=opt_out if opt_out in _ANSWERED else "",
    )


def _became(sid: str, status: str, told: Mapping[str, str], reference: str) -> list[Report]:
    error = told.get("ErrorCode", "")
    kind = _STATUSES[status]
    about, reason = TWILIO_ERRORS.get(int(error) if error.isdecimal() else 0, (None, Reason.REFUSED_BY_PROVIDER))
    failed = kind in (ReportKind.BOUNCED, ReportKind.FAILED)
    report = Report(
        kind,
        key=f"{sid}-{status}"[:120],
        reference=reference,
        provider_id=sid,
        address=told.get("To", ""),
        bounce=_class_of(about, reason) if failed else BounceClass.UNKNOWN,
        code=error,
        detail=told.get("ErrorMessage", "")[:300],
    )
    if failed and reason == Reason.OPTED_OUT_AT_PROVIDER:
        # Twilio keeps a list of its own: whoever is on it said no to this sender.
        stopped = Report(
            ReportKind.UNSUBSCRIBED, key=f"{sid}-stop"[:120], reference=reference, provider_id=sid, code=error,
            address=told.get("To", ""),
        )  # fmt: skip
        return [report, stopped]
    return [report]


def _class_of(about: About | None, reason: Reason) -> BounceClass:
    if about is None:
        return BounceClass.UNKNOWN
    if reason in ADDRESS_IS_DEAD:
        return BounceClass.HARD
    # The account, its registration or its speed: never the recipient's fault.
    return _CLASSES.get(reason, BounceClass.BLOCKED)
