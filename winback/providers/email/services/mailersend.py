"""MailerSend. It has no metadata: our reference goes along as a tag, and comes back as one."""

from typing import Any

from winback.providers.email.authentic import hmac_of_body
from winback.providers.email.services.asking import ask, base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_API = "https://api.mailersend.com/v1"
_CLASSES = {"hard_bounced": BounceClass.HARD, "soft_bounced": BounceClass.SOFT}


def _check(told: Told) -> tuple[bool, str]:
    quota = ask(f"{base(told, _API)}/api-quota", {"Authorization": f"Bearer {told('api_token')}"})
    if quota.get("remaining") == 0:
        raise ProviderMisconfigured("the quota of requests is used up.")
    return True, f"MailerSend answers. {quota.get('remaining', 'Many')} requests are left of today’s quota."


def _answer(body: Any) -> tuple[str, str]:
    """Its error number (#MS42207), the field that it is about, or why a recipient is on its list."""
    if not isinstance(body, dict):
        return "", ""
    for warning in body.get("warnings") or []:
        for recipient in warning.get("recipients") or []:
            return str((recipient.get("reasons") or recipient.get("reason") or ["suppressed"])[0]), "suppressed"
    for name, words in (body.get("errors") or {}).items():
        return str(name).split(".")[0], f"{name}: {words[0] if isinstance(words, list) and words else words}"
    return "", str(body.get("message", ""))


def _bounce(event: Any) -> tuple[str, BounceClass]:
    return "", _CLASSES.get(event.get("data", {}).get("type", ""), BounceClass.UNKNOWN)


def _reference(event: Any) -> str:
    tags = event.get("data", {}).get("email", {}).get("tags") or []
    return next((str(tag).removeprefix("winback-") for tag in tags if str(tag).startswith("winback-")), "")


MAILERSEND = Service(
    code="mailersend",
    label="MailerSend",
    backend="anymail.backends.mailersend.EmailBackend",
    fields=(
        Field(
            "api_token", "API token", secret=True,
            help="One-click unsubscribing needs our own headers, which MailerSend takes on some of its plans only.",
        ),
        Field(
            "signing_secret", "Webhook signing secret", secret=True, required=False,
            help="Of the webhook of your domain. Without it no report is taken.",
        ),
    ),
    options=lambda told: {
        "api_token": told("api_token"), "batch_send_mode": None, "api_url": base(told, _API),
    },
    check=_check,
    metadata=False,
    extra=lambda reference: {"tags": [f"winback-{reference}"]},
    untracked=True,
    answer=_answer,
    rules=(
        *(
            Rule(Reason.SUPPRESSED_AT_PROVIDER, code=code)
            for code in ("hard_bounced", "spam_complaint", "unsubscribed", "blocklisted", "suppressed")
        ),
        Rule(Reason.ADDRESS_UNUSABLE, status=422, code="to", words=r"valid|email"),
        Rule(About.SETTINGS, status=422, words=r"MS42207|MS42208|MS42225|^from|^headers|trial"),
    ),
    webhook=Webhook(
        view="anymail.webhooks.mailersend.MailerSendTrackingWebhookView",
        authenticate=hmac_of_body("signing_secret", "signature"),
        bounce=_bounce,
        reference=_reference,
    ),
)  # fmt: skip
