"""Which providers there are, by kind and code."""

from collections.abc import Mapping

from winback.providers.email.anymail import AnymailProvider
from winback.providers.email.base import EmailProvider
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.email.local import LocalEmailProvider
from winback.providers.email.smtp import SmtpProvider
from winback.providers.errors import ProviderMisconfigured
from winback.providers.sms.base import SmsProvider
from winback.providers.sms.local import LocalSmsProvider
from winback.providers.sms.twilio import TwilioProvider

EMAIL: dict[str, type[EmailProvider]] = {
    provider.code: provider for provider in (LocalEmailProvider, SmtpProvider, AnymailProvider, FakeEmailProvider)
}
SMS: dict[str, type[SmsProvider]] = {provider.code: provider for provider in (LocalSmsProvider, TwilioProvider)}


def email_provider(code: str, credentials: Mapping[str, str], settings: Mapping[str, object]) -> EmailProvider:
    """The e-mail provider with this code; raises ProviderMisconfigured when there is none."""
    if code not in EMAIL:
        raise ProviderMisconfigured(f"There is no e-mail provider {code!r}; there are {', '.join(sorted(EMAIL))}.")
    return EMAIL[code](credentials, settings)


def sms_provider(code: str, credentials: Mapping[str, str], settings: Mapping[str, object]) -> SmsProvider:
    """The SMS provider with this code; raises ProviderMisconfigured when there is none."""
    if code not in SMS:
        raise ProviderMisconfigured(f"There is no SMS provider {code!r}; there are {', '.join(sorted(SMS))}.")
    return SMS[code](credentials, settings)


def build(
    kind: str, code: str, credentials: Mapping[str, str], settings: Mapping[str, object]
) -> EmailProvider | SmsProvider:
    """The provider of this kind with this code."""
    if kind == "email":
        return email_provider(code, credentials, settings)
    if kind == "sms":
        return sms_provider(code, credentials, settings)
    raise ProviderMisconfigured(f"There are no providers of kind {kind!r}.")
