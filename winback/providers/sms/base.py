"""What every SMS provider does."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from winback.providers.account import ProviderAccount
from winback.providers.handing import Witness, checked_reference, is_reference
from winback.providers.reasons import Reason
from winback.providers.sms.segments import LONGEST

_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")


@dataclass(frozen=True)
class OutgoingSms:
    """One text, rendered. ``recipient`` is E.164; ``callback_url`` carries our reference back."""

    reference: str
    recipient: str
    body: str
    callback_url: str = ""

    def __post_init__(self) -> None:
        checked_reference(self.reference)


def unusable(message: OutgoingSms) -> tuple[Reason, str] | None:
    """Why no provider would take this text, if so."""
    if not _E164.match(message.recipient):
        return Reason.NUMBER_INVALID, "not a number in E.164"
    if not message.body.strip():
        return Reason.CONTENT_REFUSED, "there is nothing to say"
    if len(message.body) > LONGEST:
        return Reason.CONTENT_REFUSED, f"longer than {LONGEST} characters"
    return None


def reference_in(url: str) -> str:
    """Our reference, where a status callback brought it back in its address."""
    reference = dict(parse_qsl(urlsplit(url).query)).get("reference", "")
    return reference if is_reference(reference) else ""


class SmsProvider(ProviderAccount):
    """One account of one SMS provider."""

    def callback_for(self, message: OutgoingSms) -> str:
        """Where the provider is to report about this text; empty where there is no public address for it.

        ``webhook_url`` among the settings is the address of the connection's webhook.
        """
        if message.callback_url:
            return message.callback_url
        address = self.told("webhook_url")
        if not address.startswith("https://"):  # nobody outside could reach it
            return ""
        return f"{address}?{urlencode({'reference': message.reference})}"

    @abstractmethod
    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        """Hand the texts over, in order, telling the witness about each.

        A text that was started and of which the witness hears no more is unknown. Raises ProviderTrouble when the
        rest cannot be tried; the ones not started did not leave.
        """
