"""Postal, on a server of one's own. It has no metadata: our reference goes along as the tag, and comes back as it."""

from typing import Any

from winback.providers import http
from winback.providers.email.authentic import postal
from winback.providers.email.services.asking import base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_TAG = "winback-"


def _check(told: Told) -> tuple[bool, str]:
    # It has no question that is about nothing: whoever asks for message 0 is told that there is none.
    answer = http.post_json(
        f"{base(told, '')}/api/v1/messages/message", {"id": 0}, headers={"X-Server-API-Key": told("api_key")}
    )
    code, said = _answer(answer)
    if code not in ("MessageNotFound", "") or answer.get("status") not in ("error", "success", "parameter-error"):
        raise ProviderMisconfigured(f"answered {code or 'in an unknown way'}: {said}")
    return True, "Postal answers, and knows the key."


def _answer(body: Any) -> tuple[str, str]:
    data = body.get("data") if isinstance(body, dict) else None
    return (str(data.get("code", "")), str(data.get("message", ""))) if isinstance(data, dict) else ("", "")


def _refuses(body: Any) -> bool:
    """It says 200 to everything."""
    return isinstance(body, dict) and body.get("status") in ("error", "parameter-error")


def _bounce(event: Any) -> tuple[str, BounceClass]:
    payload = event.get("payload", {})
    if payload.get("status") == "SoftFail":
        return "", BounceClass.SOFT
    return "", BounceClass.UNKNOWN


def _reference(event: Any) -> str:
    payload = event.get("payload", {})
    tag = str((payload.get("message") or payload.get("original_message") or {}).get("tag") or "")
    return tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""


POSTAL = Service(
    code="postal",
    label="Postal",
    backend="anymail.backends.postal.EmailBackend",
    fields=(
        Field("api_url", "Address of the server", destination=True, help="Such as https://postal.example.com."),
        Field("api_key", "API key", secret=True, help="A credential of the kind API. Leave its tracking domains out."),
        Field(
            "webhook_key", "Webhook public key", required=False,
            help="What stands after p= in the server’s own DKIM record. Without it no report is taken.",
        ),
    ),
    options=lambda told: {"api_key": told("api_key"), "api_url": base(told, "")},
    check=_check,
    metadata=False,
    extra=lambda reference: {"tag": f"{_TAG}{reference}"},
    answer=_answer,
    refuses=_refuses,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="NoRecipients"),
        Rule(Reason.CONTENT_REFUSED, code="NoContent"),
        *(
            Rule(About.SETTINGS, code=code)
            for code in (
                "InvalidServerAPIKey", "AccessDenied", "ServerSuspended", "UnauthenticatedFromAddress",
                "FromAddressMissing",
            )
        ),
    ),
    webhook=Webhook(
        view="anymail.webhooks.postal.PostalTrackingWebhookView",
        authenticate=postal,
        bounce=_bounce,
        reference=_reference,
    ),
)  # fmt: skip
