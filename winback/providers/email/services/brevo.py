"""Brevo (once Sendinblue), by its transactional API."""

import uuid
from typing import Any

from winback.providers.email.authentic import basic_auth
from winback.providers.email.services.asking import BASIC_AUTH, ask, base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_API = "https://api.brevo.com/v3"
# A UUID of its own for each of our references, always the same one.
_KEYS = uuid.UUID("6f6b7a4e-31d1-5a52-9d0f-3d1c8e2a7b10")
_CLASSES = {
    "hard_bounce": BounceClass.HARD,
    "invalid_email": BounceClass.HARD,
    "soft_bounce": BounceClass.SOFT,
    "deferred": BounceClass.SOFT,
    "blocked": BounceClass.BLOCKED,
}
_PROXIES = frozenset({"proxy_open", "unique_proxy_open"})


def _check(told: Told) -> tuple[bool, str]:
    account = ask(f"{base(told, _API)}/account", {"api-key": told("api_key")})
    relay = account.get("relay") or {}
    if relay.get("enabled") is False:
        raise ProviderMisconfigured("sending by its API is not switched on for this account yet.")
    credits = [plan.get("credits") for plan in account.get("plan") or [] if plan.get("creditsType") == "sendLimit"]
    left = f" {credits[0]} credits are left." if credits else ""
    return True, f"Brevo answers for {account.get('companyName') or 'the account'}.{left}"


def _bounce(event: Any) -> tuple[str, BounceClass]:
    return "", _CLASSES.get(event.get("event", ""), BounceClass.UNKNOWN)


BREVO = Service(
    code="brevo",
    label="Brevo",
    backend="anymail.backends.brevo.EmailBackend",
    fields=(
        Field(
            "api_key", "API key", secret=True,
            help="Begins with xkeysib-. Leave click and open tracking off in its transactional settings.",
        ),
        *BASIC_AUTH,
    ),
    options=lambda told: {
        "api_key": told("api_key"), "workaround_display_name_bugs": True, "prevent_header_encoding_bugs": True,
        "api_url": base(told, _API),
    },
    check=_check,
    body_headers=lambda reference: {"idempotencyKey": str(uuid.uuid5(_KEYS, reference))},
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="invalid_parameter", words=r"not valid in to|\bto\b.*(not valid|invalid)"),
        Rule(About.SETTINGS, code="invalid_parameter", words="sender"),
        Rule(About.SETTINGS, code="unauthorized"),
        Rule(About.SETTINGS, code="permission_denied"),
        Rule(About.SETTINGS, code="not_enough_credits"),
        Rule(About.SETTINGS, code="account_under_validation"),
    ),
    webhook=Webhook(
        view="anymail.webhooks.brevo.BrevoTrackingWebhookView",
        authenticate=basic_auth,
        bounce=_bounce,
        machine=lambda event: event.get("event") in _PROXIES if "open" in str(event.get("event")) else None,
    ),
)  # fmt: skip
