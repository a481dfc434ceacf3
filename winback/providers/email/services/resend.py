"""Resend. Its links and opens are tracked by domain, not by message: leave both off there."""

from typing import Any

from winback.providers.email.authentic import svix
from winback.providers.email.services.asking import ask, base
from winback.providers.email.services.service import About, Answered, Batch, Rule, Service, Told, Webhook, listed
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_API = "https://api.resend.com"
_TYPES = {"Permanent": BounceClass.HARD, "Transient": BounceClass.SOFT}
_CONTENT = frozenset({"ContentRejected", "AttachmentRejected", "MessageTooLarge"})


def _check(told: Told) -> tuple[bool, str]:
    try:
        found = ask(f"{base(told, _API)}/domains", {"Authorization": f"Bearer {told('api_key')}"})
    except ProviderMisconfigured as error:
        if "restricted" in str(error):  # a key for sending alone: it was recognised
            return True, "Resend answers. The key may send, and see nothing: domains were not looked at."
        raise
    domains = found.get("data") or []
    verified = [str(each.get("name")) for each in domains if each.get("status") == "verified"]
    if not verified:
        raise ProviderMisconfigured("No domain of this account is verified yet.")
    return True, f"Resend answers. Verified: {', '.join(verified[:5])}."


def _answers(body: Any) -> list[Answered]:
    return [Answered(provider_id=str(each["id"])) for each in body["data"]]


def _bounce(event: Any) -> tuple[str, BounceClass]:
    bounce = (event.get("data") or {}).get("bounce") or {}
    if bounce.get("subType") in _CONTENT:
        return "", BounceClass.CONTENT
    return "", _TYPES.get(bounce.get("type", ""), BounceClass.UNKNOWN)


def _reference(event: Any) -> str:
    tags = (event.get("data") or {}).get("tags") or {}
    if isinstance(tags, list):
        tags = {each.get("name"): each.get("value") for each in tags}
    return str(tags.get("winback", ""))


RESEND = Service(
    code="resend",
    label="Resend",
    backend="anymail.backends.resend.EmailBackend",
    fields=(
        Field("api_key", "API key", secret=True, help="Leave click and open tracking off for the domain at Resend."),
        Field(
            "signing_secret", "Webhook signing secret", secret=True, required=False,
            help="Begins with whsec_. Without it no report is taken.",
        ),
    ),
    options=lambda told: {
        "api_key": told("api_key"), "verify_attachment_extensions": True, "api_url": base(told, _API),
    },
    check=_check,
    extra=lambda reference: {"tags": [{"name": "winback", "value": reference.replace("=", "_")}]},
    request_headers=lambda reference: {"Idempotency-Key": reference},
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, status=422, words=r"`to` field"),
        Rule(About.SETTINGS, code="invalid_from_address"),
        Rule(About.SETTINGS, code="validation_error", words="not verified|testing emails|`from` field"),
        Rule(About.SETTINGS, code="missing_api_key"),
        Rule(About.RATE, code="concurrent_idempotent_requests"),
    ),
    batch=Batch(path="emails/batch", body=listed, answers=_answers),
    webhook=Webhook(
        view="anymail.webhooks.resend.ResendTrackingWebhookView",
        authenticate=svix,
        bounce=_bounce,
        reference=_reference,
    ),
)  # fmt: skip
