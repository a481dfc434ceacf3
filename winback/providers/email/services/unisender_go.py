"""Unisender Go. It knows an idempotency key, and names who of the recipients it refused, and why."""

from typing import Any

from winback.providers import http
from winback.providers.email.authentic import unisender_go
from winback.providers.email.services.asking import base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook, code_and_message
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_HOSTS = {
    "go1": "https://go1.unisender.ru/en/transactional/api/v1",
    "go2": "https://go2.unisender.ru/en/transactional/api/v1",
}
_CLASSES = {
    "err_user_unknown": BounceClass.HARD,
    "err_user_inactive": BounceClass.HARD,
    "err_domain_inactive": BounceClass.HARD,
    "err_mailbox_full": BounceClass.SOFT,
    "err_will_retry": BounceClass.SOFT,
    "err_unreachable": BounceClass.SOFT,
    "err_mailbox_discarded": BounceClass.UNKNOWN,
    "err_spam_rejected": BounceClass.BLOCKED,
    "err_spam_skipped": BounceClass.BLOCKED,
    "err_blacklisted": BounceClass.BLOCKED,
    "err_destination_misconfigured": BounceClass.BLOCKED,
    "err_too_large": BounceClass.CONTENT,
}


def _base(told: Told) -> str:
    return base(told, _HOSTS.get(told("host"), _HOSTS["go1"]))


def _check(told: Told) -> tuple[bool, str]:
    found = http.post_json(f"{_base(told)}/system/info.json", {}, headers={"X-API-KEY": told("api_key")})
    if found.get("status") != "success":
        raise ProviderMisconfigured(f"answered {code_and_message(found)[1]}")
    return True, f"Unisender Go answers for user {found.get('user_id')}."


def _failed(body: Any) -> dict[str, str]:
    failed = body.get("failed_emails") if isinstance(body, dict) else None
    return failed if isinstance(failed, dict) else {}


def _answer(body: Any) -> tuple[str, str]:
    """Why the one recipient was refused, else the error of the request."""
    failed = _failed(body)
    return (str(next(iter(failed.values()))), "") if failed else code_and_message(body)


def _bounce(event: Any) -> tuple[str, BounceClass]:
    status = str((event.get("delivery_info") or {}).get("delivery_status", ""))
    return "", _CLASSES.get(status, BounceClass.UNKNOWN)


UNISENDER_GO = Service(
    code="unisender-go",
    label="Unisender Go",
    backend="anymail.backends.unisender_go.EmailBackend",
    fields=(
        Field(
            "api_key", "API key", secret=True,
            help="It signs the webhook as well. It adds an unsubscribe link of its own.",
        ),
        Field("host", "Data centre", choices=("go1", "go2"), default="go1", help="As in the address of your cabinet."),
    ),
    options=lambda told: {
        "api_key": told("api_key"), "generate_message_id": True, "workaround_display_name_bugs": True,
        "api_url": _base(told),
    },
    check=_check,
    extra=lambda reference: {"idempotence_key": reference},
    untracked=True,
    answer=_answer,
    refuses=lambda body: bool(_failed(body)),
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="invalid"),
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="permanent_unavailable"),
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="unsubscribed"),
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="complained"),
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="blocked"),
        Rule(Reason.REFUSED_FOR_NOW, code="temporary_unavailable"),
        Rule(About.SETTINGS, words="domain|api_key|from_email|sender"),
    ),
    webhook=Webhook(
        view="anymail.webhooks.unisender_go.UnisenderGoTrackingWebhookView",
        authenticate=unisender_go,
        bounce=_bounce,
    ),
)  # fmt: skip
