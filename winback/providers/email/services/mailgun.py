"""Mailgun. Its two regions know nothing of each other."""

import json
from typing import Any
from urllib.parse import quote, urlencode

from winback.providers import http
from winback.providers.email.authentic import mailgun
from winback.providers.email.services.asking import base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_REGIONS = {"us": "https://api.mailgun.net/v3", "eu": "https://api.eu.mailgun.net/v3"}
_SUPPRESSED = {
    "suppress-bounce": BounceClass.HARD,
    "suppress-complaint": BounceClass.BLOCKED,
    "suppress-unsubscribe": BounceClass.BLOCKED,
}


def _base(told: Told) -> str:
    return base(told, _REGIONS.get(told("region"), _REGIONS["us"]))


def _ask(told: Told, path: str) -> dict[str, Any]:
    return http.get_json(f"{_base(told)}/{path}", headers={}, auth=("api", told("api_key")))


def _check(told: Told) -> tuple[bool, str]:
    domain = _ask(told, f"domains/{quote(told('domain'), safe='')}").get("domain") or {}
    if domain.get("is_disabled") or domain.get("state") == "disabled":
        raise ProviderMisconfigured(f"The domain {told('domain')} is disabled.")
    if domain.get("state") != "active":
        raise ProviderMisconfigured(f"The domain {told('domain')} is not verified yet.")
    sandbox = " It is a sandbox: only authorised addresses get mail." if domain.get("type") == "sandbox" else ""
    return True, f"Mailgun answers, and {told('domain')} is active.{sandbox}"


def _find(told: Told, reference: str) -> bool | None:
    # Events are kept for days and come late: nothing found is no proof.
    where = urlencode({"event": "accepted", "limit": 1, "user-variables": json.dumps({"winback": reference})})
    found = _ask(told, f"{quote(told('domain'), safe='')}/events?{where}")
    return True if found.get("items") else None


def _bounce(event: Any) -> tuple[str, BounceClass]:
    data = event.get("event-data", {})
    delivery = data.get("delivery-status") or {}
    code = str(delivery.get("enhanced-code") or delivery.get("code") or "")
    reason = data.get("reason", "")
    if reason in _SUPPRESSED:  # its own codes (605, 607) are no status of mail
        return "", _SUPPRESSED[reason]
    if data.get("severity") == "temporary":
        return code, BounceClass.SOFT
    return code, BounceClass.HARD if reason == "bounce" else BounceClass.UNKNOWN


def _machine(event: Any) -> bool | None:
    bot = event.get("event-data", {}).get("client-info", {}).get("bot")
    return None if bot is None else bool(bot)


MAILGUN = Service(
    code="mailgun",
    label="Mailgun",
    backend="anymail.backends.mailgun.EmailBackend",
    fields=(
        Field("api_key", "API key", secret=True, help="A key of the account: one of a domain alone cannot be checked."),
        Field("domain", "Sending domain", help="As Mailgun lists it, such as mg.example.com."),
        Field("region", "Region", choices=("us", "eu"), default="us"),
        Field(
            "webhook_signing_key", "HTTP webhook signing key", secret=True, required=False,
            help="From Mailgun’s page of API keys. Without it no report is taken.",
        ),
    ),
    options=lambda told: {"api_key": told("api_key"), "sender_domain": told("domain"), "api_url": _base(told)},
    check=_check,
    find=_find,
    message_id=True,
    untracked=True,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, status=400, words="^'?to'? parameter is not a valid address"),
        Rule(About.SETTINGS, status=400, words="'from' parameter|not allowed to send|sandbox|disabled"),
        Rule(About.SETTINGS, status=404),
    ),
    webhook=Webhook(
        view="anymail.webhooks.mailgun.MailgunTrackingWebhookView",
        authenticate=mailgun,
        bounce=_bounce,
        machine=_machine,
        key=lambda event: str(event["signature"]["token"]),
    ),
)  # fmt: skip
