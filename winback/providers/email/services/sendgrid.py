"""SendGrid, which the maintainers of django-anymail no longer test: said where it is chosen."""

from typing import Any

from winback.providers.email.authentic import sendgrid
from winback.providers.email.services.asking import ask, base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook, errors_and_code
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_REGIONS = {"global": "https://api.sendgrid.com/v3", "eu": "https://api.eu.sendgrid.com/v3"}


def _base(told: Told) -> str:
    return base(told, _REGIONS.get(told("region"), _REGIONS["global"]))


def _check(told: Told) -> tuple[bool, str]:
    scopes = ask(f"{_base(told)}/scopes", {"Authorization": f"Bearer {told('api_key')}"}).get("scopes") or []
    if "mail.send" not in scopes:
        raise ProviderMisconfigured("The key may not send mail (its scope mail.send is missing).")
    return True, "SendGrid answers, and the key may send mail."


def _bounce(event: Any) -> tuple[str, BounceClass]:
    status, kind = str(event.get("status") or ""), event.get("type")
    if event.get("event") == "bounce":
        return status, BounceClass.BLOCKED if kind == "blocked" else BounceClass.HARD
    if event.get("event") == "dropped":
        reason = str(event.get("reason", "")).lower()
        return status, BounceClass.HARD if reason in ("bounced address", "invalid") else BounceClass.BLOCKED
    return status, BounceClass.SOFT


def _machine(event: Any) -> bool | None:
    said = event.get("sg_machine_open")
    return None if said is None else bool(said)


SENDGRID = Service(
    code="sendgrid",
    label="SendGrid (unsupported by its maintainers since July 2025)",
    backend="anymail.backends.sendgrid.EmailBackend",
    fields=(
        Field(
            "api_key", "API key", secret=True,
            help="The maintainers of django-anymail no longer test SendGrid: prefer another service.",
        ),
        Field("region", "Region", choices=("global", "eu"), default="global"),
        Field(
            "webhook_verification_key", "Event webhook verification key", required=False,
            help="Of the signed event webhook. Without it no report is taken.",
        ),
    ),
    options=lambda told: {
        "api_key": told("api_key"), "username": None, "password": None, "generate_message_id": True,
        "merge_field_format": None, "api_url": _base(told),
    },
    check=_check,
    untracked=True,
    answer=errors_and_code,
    taken_with=frozenset({202}),
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, words=r"personalizations\.\d+\.to"),
        Rule(About.SETTINGS, words=r"\bfrom\b|verified Sender Identity|credits"),
    ),
    webhook=Webhook(
        view="anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
        authenticate=sendgrid,
        bounce=_bounce,
        machine=_machine,
    ),
)  # fmt: skip
