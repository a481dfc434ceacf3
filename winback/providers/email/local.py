"""The local outbox: every e-mail becomes a file, for trials and for whoever hosts without a provider yet."""

from collections.abc import Sequence
from datetime import UTC, datetime

from winback.providers.email.addresses import UnsafeHeader
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import serialise
from winback.providers.email.unusable import set_aside
from winback.providers.errors import ProviderTrouble
from winback.providers.handing import Witness
from winback.providers.outbox import Outbox


class LocalEmailProvider(Outbox, EmailProvider):
    """Writes each message as it would go over SMTP, so that any mail program opens it."""

    code = "local"
    label = "Local outbox (nobody gets the message)"
    suffix = ".eml"

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        directory = self.open_directory()
        for message in messages:
            try:
                content = serialise(message, date=datetime.now(UTC))  # noqa: TID251 - when it was written
            except UnsafeHeader as error:
                set_aside(message, error, witness)
                continue
            self.begin(directory, message.reference, witness)
            try:
                self.keep(directory, message.reference, content)
            except ProviderTrouble:
                witness.not_left(message.reference)
                raise
            witness.handed_over(message.reference, message.message_id)
