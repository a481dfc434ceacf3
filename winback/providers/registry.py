"""Which providers there are, by kind and code."""

from collections.abc import Mapping

from winback.providers.account import ProviderAccount
from winback.providers.email.amazon_ses import AmazonSesProvider
from winback.providers.email.anymail import provider_for
from winback.providers.email.base import EmailProvider
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.email.local import LocalEmailProvider
from winback.providers.email.services.every import SERVICES
from winback.providers.email.smtp import SmtpProvider
from winback.providers.errors import ProviderMisconfigured
from winback.providers.sms.aws import AwsProvider
from winback.providers.sms.base import SmsProvider
from winback.providers.sms.fake import FakeSmsProvider
from winback.providers.sms.gateway import GatewayProvider
from winback.providers.sms.local import LocalSmsProvider
from winback.providers.sms.twilio import TwilioProvider

_EMAIL: tuple[type[EmailProvider], ...] = (
    SmtpProvider, AmazonSesProvider, *map(provider_for, SERVICES), LocalEmailProvider, FakeEmailProvider
)  # fmt: skip
_SMS: tuple[type[SmsProvider], ...] = (
    TwilioProvider, AwsProvider, GatewayProvider, LocalSmsProvider, FakeSmsProvider
)  # fmt: skip
EMAIL = {each.code: each for each in _EMAIL}
SMS = {each.code: each for each in _SMS}
KINDS: Mapping[str, Mapping[str, type[ProviderAccount]]] = {"email": EMAIL, "sms": SMS}


def provider(kind: str, code: str) -> type[ProviderAccount]:
    """The class of a provider; raises ProviderMisconfigured when there is none."""
    if kind not in KINDS:
        raise ProviderMisconfigured(f"There are no providers of kind {kind!r}; there are {', '.join(KINDS)}.")
    if code not in KINDS[kind]:
        raise ProviderMisconfigured(
            f"There is no {kind} provider {code!r}; there are {', '.join(code for code, _ in choices(kind))}."
        )
    return KINDS[kind][code]


def choices(kind: str) -> list[tuple[str, str]]:
    """Code and label of the providers of a kind that can be chosen."""
    return [(code, each.label) for code, each in KINDS.get(kind, {}).items() if not each.for_tests]


def email_provider(code: str, credentials: Mapping[str, str], settings: Mapping[str, object]) -> EmailProvider:
    """The e-mail provider with this code; raises ProviderMisconfigured when there is none."""
    provider("email", code)
    return EMAIL[code](credentials, settings)


def sms_provider(code: str, credentials: Mapping[str, str], settings: Mapping[str, object]) -> SmsProvider:
    """The SMS provider with this code; raises ProviderMisconfigured when there is none."""
    provider("sms", code)
    return SMS[code](credentials, settings)


def build(
    kind: str, code: str, credentials: Mapping[str, str], settings: Mapping[str, object]
) -> EmailProvider | SmsProvider:
    """The provider of this kind with this code; nothing is asked or opened yet."""
    if kind == "sms":
        return sms_provider(code, credentials, settings)
    provider(kind, code)
    return email_provider(code, credentials, settings)
