"""Postmark. Marketing goes by a broadcast stream, and by no other."""

from typing import Any
from urllib.parse import urlencode

from winback.providers.email.authentic import basic_auth
from winback.providers.email.services.asking import BASIC_AUTH, ask, base
from winback.providers.email.services.service import About, Answered, Batch, Rule, Service, Told, Webhook, listed
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass, ReportKind

_API = "https://api.postmarkapp.com"
_CLASSES = {
    "HardBounce": BounceClass.HARD,
    "BadEmailAddress": BounceClass.HARD,
    "Transient": BounceClass.SOFT,
    "SoftBounce": BounceClass.SOFT,
    "DnsError": BounceClass.SOFT,
    "SpamNotification": BounceClass.BLOCKED,
    "Blocked": BounceClass.BLOCKED,
    "DMARCPolicy": BounceClass.BLOCKED,
    "VirusNotification": BounceClass.CONTENT,
}


def _ask(told: Told, path: str) -> dict[str, Any]:
    return ask(f"{base(told, _API)}/{path}", {"X-Postmark-Server-Token": told("server_token")})


def _check(told: Told) -> tuple[bool, str]:
    server = _ask(told, "server")
    stream = _ask(told, f"message-streams/{told('stream')}")
    if stream.get("ArchivedAt"):
        raise ProviderMisconfigured(f"The message stream {told('stream')} is archived.")
    if stream.get("MessageStreamType") != "Broadcasts":
        raise ProviderMisconfigured(f"{told('stream')} is no broadcast stream: Postmark takes no marketing on others.")
    if server.get("DeliveryType") == "Sandbox":
        return True, f"Postmark server {server.get('Name')} answers. It is a sandbox server: nobody gets its mail."
    return True, f"Postmark server {server.get('Name')} answers, stream {told('stream')}."


def _find(told: Told, reference: str) -> bool | None:
    # Its index lags by some minutes, so that nothing found is no proof.
    where = urlencode({"count": 1, "offset": 0, "messagestream": told("stream"), "metadata_winback": reference})
    found = _ask(told, f"messages/outbound?{where}")
    return True if found.get("TotalCount") else None


def _code(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    return str(body.get("ErrorCode", "")), str(body.get("Message", ""))


def _answers(body: Any) -> list[Answered]:
    return [_answered(each) for each in body]


def _answered(each: Any) -> Answered:
    if each["ErrorCode"] == 0:
        return Answered(provider_id=str(each["MessageID"]))
    return Answered(code=str(each["ErrorCode"]), said=str(each["Message"]))


def _bounce(event: Any) -> tuple[str, BounceClass]:
    kind = event.get("Type") or event.get("SuppressionReason") or ""
    return "", _CLASSES.get(kind, BounceClass.UNKNOWN)


def _kind(event: Any) -> ReportKind | None:
    """A filter's verdict is not the person's: anymail counts it as a complaint, and that would suppress somebody."""
    return ReportKind.BOUNCED if event.get("Type") == "SpamNotification" else None


POSTMARK = Service(
    code="postmark",
    label="Postmark",
    backend="anymail.backends.postmark.EmailBackend",
    fields=(
        Field("server_token", "Server token", secret=True),
        Field("stream", "Message stream", default="broadcast", help="A broadcast stream, for marketing."),
        *BASIC_AUTH,
    ),
    options=lambda told: {
        "server_token": told("server_token"),
        "message_stream": told("stream"),
        "use_bulk_api": False,
        "generate_message_id": False,
        "api_url": base(told, _API),
    },
    check=_check,
    find=_find,
    headers={"X-PM-KeepID": "true"},  # else Postmark replaces our Message-ID by its own
    message_id=True,
    untracked=True,
    answer=_code,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="300", words="'To'"),
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="406"),
        *(Rule(About.SETTINGS, code=code) for code in ("10", "400", "401", "405", "412", "413", "1235")),
        Rule(About.RATE, code="429"),
    ),
    batch=Batch(path="email/batch", body=listed, answers=_answers),
    webhook=Webhook(
        view="anymail.webhooks.postmark.PostmarkTrackingWebhookView",
        authenticate=basic_auth,
        bounce=_bounce,
        kind=_kind,
    ),
)
