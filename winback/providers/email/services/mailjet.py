"""Mailjet, send API v3.1."""

from typing import Any
from urllib.parse import urlencode

from winback.providers import http
from winback.providers.email.authentic import basic_auth
from winback.providers.email.services.asking import BASIC_AUTH, base
from winback.providers.email.services.service import About, Answered, Batch, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import BounceClass

_REGIONS = {"eu": "https://api.mailjet.com/v3.1", "us": "https://api.us.mailjet.com/v3.1"}
_CLASSES = {
    "user unknown": BounceClass.HARD,
    "mailbox inactive": BounceClass.HARD,
    "invalid domain": BounceClass.HARD,
    "no mail host": BounceClass.HARD,
    "quota exceeded": BounceClass.SOFT,
    "greylisted": BounceClass.SOFT,
    "connection issue": BounceClass.SOFT,
    "relay/access denied": BounceClass.BLOCKED,
    "blacklisted": BounceClass.BLOCKED,
    "spam reporter": BounceClass.BLOCKED,
    "sender blocked": BounceClass.BLOCKED,
    "policy issue": BounceClass.BLOCKED,
    "preblocked": BounceClass.BLOCKED,
    "content blocked": BounceClass.CONTENT,
}


def _base(told: Told) -> str:
    return base(told, _REGIONS.get(told("region"), _REGIONS["eu"]))


def _ask(told: Told, path: str) -> dict[str, Any]:
    root = _base(told).removesuffix("/v3.1")
    return http.get_json(f"{root}/v3/REST/{path}", headers={}, auth=(told("api_key"), told("secret_key")))


def _check(told: Told) -> tuple[bool, str]:
    senders = _ask(told, "sender?Status=Active&Limit=10").get("Data") or []
    if not senders:
        raise ProviderMisconfigured("No sender or domain of this account is validated yet.")
    names = ", ".join(str(each.get("Email", "")).removeprefix("*@").rpartition("@")[2] for each in senders[:5])
    return True, f"Mailjet answers. Validated: {names}."


def _find(told: Told, reference: str) -> bool | None:
    found = _ask(told, f"message?{urlencode({'CustomID': reference, 'Limit': 1})}")
    return True if found.get("Count") else None


def _answer(body: Any) -> tuple[str, str]:
    """The error of the one message, and the field that it is about."""
    if not isinstance(body, dict):
        return "", ""
    errors = [error for each in body.get("Messages") or [] for error in each.get("Errors") or []]
    if not errors:
        return str(body.get("ErrorCode", "")), str(body.get("ErrorMessage", ""))
    return _error(errors[0])


def _error(error: Any) -> tuple[str, str]:
    about = ", ".join(str(each) for each in error.get("ErrorRelatedTo") or [])
    return str(error.get("ErrorCode", "")), f"{error.get('ErrorMessage', '')} ({about})"


def _together(bodies: Any) -> Any:
    return {"Messages": [{**body["Globals"], **message} for body in bodies for message in body["Messages"]]}


def _answers(body: Any) -> list[Answered]:
    return [_answered(each) for each in body["Messages"]]


def _answered(each: Any) -> Answered:
    if each["Status"] == "success":
        return Answered(provider_id=str(each["To"][0]["MessageID"]))
    code, said = _error(each["Errors"][0])
    return Answered(code=code, said=said)


def _bounce(event: Any) -> tuple[str, BounceClass]:
    hint = _CLASSES.get(str(event.get("error", "")), BounceClass.UNKNOWN)
    if hint is BounceClass.HARD and event.get("hard_bounce") is False:
        return "", BounceClass.SOFT
    if hint is BounceClass.UNKNOWN and event.get("event") == "bounce":
        return "", BounceClass.HARD if event.get("hard_bounce") else BounceClass.SOFT
    return "", hint


MAILJET = Service(
    code="mailjet",
    label="Mailjet",
    backend="anymail.backends.mailjet.EmailBackend",
    fields=(
        Field("api_key", "API key"),
        Field("secret_key", "Secret key", secret=True),
        Field("region", "Region", choices=("eu", "us"), default="eu", help="us only if your account was made there."),
        *BASIC_AUTH,
    ),
    options=lambda told: {
        "api_key": told("api_key"), "secret_key": told("secret_key"), "api_url": _base(told),
    },
    check=_check,
    find=_find,
    extra=lambda reference: {"Globals": {"CustomID": reference}},
    untracked=True,
    answer=_answer,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="mj-0013", words=r"\(To"),
        Rule(Reason.ADDRESS_UNUSABLE, words=r"invalid.*email.*\(To"),
        Rule(About.SETTINGS, code="send-0008"),
        Rule(About.SETTINGS, words=r"\(From"),
        Rule(About.RATE, code="mj-0031"),
    ),
    # It may answer 400 when some fail, and then tells of each all the same.
    batch=Batch(path="send", body=_together, answers=_answers, statuses=frozenset({200, 400})),
    webhook=Webhook(
        view="anymail.webhooks.mailjet.MailjetTrackingWebhookView", authenticate=basic_auth, bounce=_bounce
    ),
)  # fmt: skip
