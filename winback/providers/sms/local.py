"""The local outbox for texts: every text becomes a file."""

import json
from collections.abc import Sequence

from winback.providers.errors import ProviderTrouble
from winback.providers.handing import Witness
from winback.providers.outbox import Outbox
from winback.providers.sms.base import OutgoingSms, SmsProvider, unusable
from winback.providers.sms.segments import count


class LocalSmsProvider(Outbox, SmsProvider):
    """Writes each text as JSON: to whom, what, and how many segments it would have cost."""

    code = "local"
    label = "Local outbox (nobody gets the text)"
    suffix = ".json"

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        directory = self.open_directory()
        for message in messages:
            self.begin(directory, message.reference, witness)
            if (why := unusable(message)) is not None:
                self.drop(directory, message.reference)
                witness.refused(message.reference, *why)
                continue
            written = {"to": message.recipient, "body": message.body, "segments": count(message.body).segments}
            try:
                self.keep(directory, message.reference, json.dumps(written, ensure_ascii=False).encode())
            except ProviderTrouble:
                witness.not_left(message.reference)
                raise
            witness.handed_over(message.reference, f"local-{message.reference}")
