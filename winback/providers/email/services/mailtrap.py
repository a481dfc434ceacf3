"""Mailtrap. Marketing goes by its bulk stream, which has an address of its own."""

from typing import Any

from winback.providers import http
from winback.providers.email.authentic import basic_auth, either, hmac_of_body
from winback.providers.email.services.asking import BASIC_AUTH, base
from winback.providers.email.services.service import (
    About,
    Answered,
    Batch,
    Rule,
    Service,
    Told,
    Webhook,
    errors_and_code,
)
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_STREAMS = {"bulk": "https://bulk.api.mailtrap.io/api", "transactional": "https://send.api.mailtrap.io/api"}
_ACCOUNT = "https://mailtrap.io/api"


def _check(told: Told) -> tuple[bool, str]:
    accounts = http.get_list(f"{base(told, _ACCOUNT)}/accounts", headers={"Api-Token": told("api_token")})
    names = ", ".join(str(each.get("name")) for each in accounts[:3] if isinstance(each, dict))
    return True, f"Mailtrap answers{f' for {names}' if names else ''}, stream {told('stream')}."


def _together(bodies: Any) -> Any:
    return {"requests": list(bodies)}


def _answers(body: Any) -> list[Answered]:
    return [_answered(each) for each in body["responses"]]


def _answered(each: Any) -> Answered:
    if each["success"]:
        return Answered(provider_id=str(each["message_ids"][0]))
    return Answered(said=str(each["errors"][0]))


def _bounce(event: Any) -> tuple[str, BounceClass]:
    code = str(event.get("response_code") or "")
    category = str(event.get("bounce_category") or "")
    if event.get("event") == "bounce":
        if category in {"spam", "blocklisted", "policy", "authentication"}:
            return code, BounceClass.BLOCKED
        return code, BounceClass.HARD
    return code, {"reject": BounceClass.BLOCKED}.get(event.get("event", ""), BounceClass.SOFT)


MAILTRAP = Service(
    code="mailtrap",
    label="Mailtrap",
    backend="anymail.backends.mailtrap.EmailBackend",
    fields=(
        Field("api_token", "API token", secret=True, help="Of your sending domain."),
        Field("stream", "Stream", choices=("bulk", "transactional"), default="bulk", help="Marketing goes by bulk."),
        Field(
            "webhook_signing_secret", "Webhook signing secret", secret=True, required=False,
            help="Of the webhook at Mailtrap. Without it, the user name and password below are asked for.",
        ),
        *BASIC_AUTH,
    ),
    options=lambda told: {
        "api_token": told("api_token"), "sandbox_id": None,
        "api_url": base(told, _STREAMS.get(told("stream"), _STREAMS["bulk"])),
    },
    check=_check,
    answer=errors_and_code,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, words=r"'to'.*(invalid|valid)|to address is invalid"),
        Rule(About.SETTINGS, words=r"'from'|sending domain|not allowed|demo domain"),
    ),
    batch=Batch(path="batch", body=_together, answers=_answers),
    webhook=Webhook(
        view="anymail.webhooks.mailtrap.MailtrapTrackingWebhookView",
        authenticate=either(
            "webhook_signing_secret", hmac_of_body("webhook_signing_secret", "mailtrap-signature"), basic_auth
        ),
        bounce=_bounce,
    ),
)  # fmt: skip
