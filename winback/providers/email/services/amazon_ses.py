"""Amazon SES, API v2. It takes the whole message as we write it; its reports come through an SNS topic."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from winback.providers.email.services.service import About, Rule, Service, Told, Webhook
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, ReportKind

_AWS = "winback.providers.email.aws"
_CONTENT = frozenset({"ContentRejected", "AttachmentRejected", "MessageTooLarge"})


def _aws(name: str) -> Callable[[Told], dict[str, Any]]:
    """What boto3 is needed for, loaded when it is used and not before."""
    try:
        found: Callable[[Told], dict[str, Any]] = import_string(f"{_AWS}.{name}")
    except ImportError as error:
        raise ProviderMisconfigured("this needs boto3, which is not installed here.") from error
    return found


def _options(told: Told) -> dict[str, Any]:
    return _aws("options")(told)


def _check(told: Told) -> tuple[bool, str]:
    account = _aws("account")(told)
    if not account.get("SendingEnabled", True) or account.get("EnforcementStatus") == "SHUTDOWN":
        raise ProviderMisconfigured("sending is switched off for this account in this region.")
    if not account.get("ProductionAccessEnabled", True):
        return True, f"Amazon SES answers in {told('region')}. It is in the sandbox: only verified addresses get mail."
    probation = " The account is on probation." if account.get("EnforcementStatus") == "PROBATION" else ""
    return True, f"Amazon SES answers in {told('region')}.{probation}"


def _told_by_sns(_told: Told, _arrival: Arrival) -> None:
    raise NotAuthentic("SNS is asked by the provider itself.")


def _bounce(event: Any) -> tuple[str, BounceClass]:
    bounce = event.get("bounce") or {}
    statuses = [str(each.get("status", "")) for each in bounce.get("bouncedRecipients", [])]
    if bounce.get("bounceSubType") in _CONTENT:
        hint = BounceClass.CONTENT
    elif bounce.get("bounceType") == "Permanent":  # the account's suppression list included: it holds hard bounces
        hint = BounceClass.HARD
    else:
        hint = BounceClass.SOFT if bounce.get("bounceType") == "Transient" else BounceClass.UNKNOWN
    return next(iter(statuses), ""), hint


def _kind(event: Any) -> ReportKind | None:
    return ReportKind.DEFERRED if event.get("eventType") == "DeliveryDelay" else None


def _reference(event: Any) -> str:
    tags = event.get("mail", {}).get("tags", {}).get("winback") or [""]
    return str(tags[0])


AMAZON_SES = Service(
    code="amazon-ses",
    label="Amazon SES",
    backend="anymail.backends.amazon_ses.EmailBackend",
    fields=(
        Field(
            "access_key_id", "Access key ID",
            help="Of an IAM user that may ses:SendEmail and ses:GetAccount. No other AWS setting of this host counts.",
        ),
        Field("secret_access_key", "Secret access key", secret=True),
        Field("region", "Region", help="Where your domain is verified, such as us-east-1 or eu-central-1."),
        Field(
            "configuration_set", "Configuration set", required=False,
            help="Its event destination is the SNS topic below. Leave open and click tracking off in it.",
        ),
        Field(
            "topic_arns", "SNS topic", required=False,
            help="The ARN of the topic that posts to the webhook (several: commas between). Others are refused.",
        ),
    ),
    options=_options,
    check=_check,
    message_id=True,
    extra=lambda reference: {"EmailTags": [{"Name": "winback", "Value": reference.replace("=", "_")}]},
    rules=(
        Rule(About.RATE, code="TooManyRequestsException"),
        Rule(About.RATE, code="Throttling"),
        Rule(About.RATE, code="ThrottlingException"),
        Rule(About.RATE, code="LimitExceededException"),
        Rule(About.SETTINGS, code="MailFromDomainNotVerifiedException"),
        Rule(About.SETTINGS, code="AccountSuspendedException"),
        Rule(About.SETTINGS, code="SendingPausedException"),
        Rule(About.SETTINGS, code="NotFoundException"),
        Rule(About.SETTINGS, code="MessageRejected", words="not verified"),
        Rule(Reason.ADDRESS_UNUSABLE, words="local address contains|illegal address|domain (name )?(contains|starts)"),
        Rule(Reason.CONTENT_REFUSED, code="MessageRejected", words="virus|content"),
    ),
    webhook=Webhook(
        view="anymail.webhooks.amazon_ses.AmazonSESTrackingWebhookView",
        authenticate=_told_by_sns,
        bounce=_bounce,
        kind=_kind,
        reference=_reference,
    ),
)  # fmt: skip
