"""SparkPost (Bird)."""

from typing import Any

from winback.providers.email.authentic import basic_auth
from winback.providers.email.services.asking import BASIC_AUTH, ask_whether_known, base
from winback.providers.email.services.service import About, Rule, Service, Told, Webhook, errors_and_code
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_REGIONS = {"us": "https://api.sparkpost.com/api/v1", "eu": "https://api.eu.sparkpost.com/api/v1"}
_CLASSES = {
    "10": BounceClass.HARD,
    "30": BounceClass.HARD,
    "20": BounceClass.SOFT,
    "21": BounceClass.SOFT,
    "22": BounceClass.SOFT,
    "24": BounceClass.SOFT,
    "40": BounceClass.UNKNOWN,
    "70": BounceClass.SOFT,
    "23": BounceClass.CONTENT,
    "53": BounceClass.CONTENT,
    "25": BounceClass.BLOCKED,
    "50": BounceClass.BLOCKED,
    "51": BounceClass.BLOCKED,
    "52": BounceClass.BLOCKED,
    "54": BounceClass.BLOCKED,
}


def _base(told: Told) -> str:
    return base(told, _REGIONS.get(told("region"), _REGIONS["us"]))


def _check(told: Told) -> tuple[bool, str]:
    found = ask_whether_known(f"{_base(told)}/account", {"Authorization": told("api_key")})
    if found is None:
        return True, "SparkPost answers. The key may send, and not look at the account."
    status = (found.get("results") or {}).get("status", "active")
    if status != "active":
        raise ProviderMisconfigured(f"The account is {status}.")
    return True, "SparkPost answers, and the account is active."


def _event(raw: Any) -> Any:
    return next(iter(raw["msys"].values()))


def _bounce(raw: Any) -> tuple[str, BounceClass]:
    event = _event(raw)
    return str(event.get("error_code") or ""), _CLASSES.get(str(event.get("bounce_class", "")), BounceClass.UNKNOWN)


def _machine(raw: Any) -> bool | None:
    prefetched = _event(raw).get("is_prefetched")
    return None if prefetched is None else str(prefetched).lower() == "true"


SPARKPOST = Service(
    code="sparkpost",
    label="SparkPost",
    backend="anymail.backends.sparkpost.EmailBackend",
    fields=(
        Field("api_key", "API key", secret=True, help="That may do Transmissions: Read/Write."),
        Field("region", "Region", choices=("us", "eu"), default="us"),
        Field("subaccount", "Subaccount", required=False, help="Its number, if you send by one."),
        *BASIC_AUTH,
    ),
    options=lambda told: {
        "api_key": told("api_key"), "subaccount": told("subaccount") or None, "api_url": _base(told),
    },
    check=_check,
    extra=lambda reference: {"options": {"transactional": False}},
    untracked=True,
    answer=errors_and_code,
    rules=(
        Rule(Reason.SUPPRESSED_AT_PROVIDER, code="1902", words="suppress"),
        Rule(Reason.ADDRESS_UNUSABLE, code="5002"),
        Rule(Reason.ADDRESS_UNUSABLE, code="5001"),
        Rule(About.SETTINGS, code="7001"),
        Rule(About.RATE, status=420),
    ),
    webhook=Webhook(
        view="anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
        authenticate=basic_auth,
        bounce=_bounce,
        machine=_machine,
    ),
)  # fmt: skip
