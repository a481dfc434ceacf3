"""The local outbox for texts: every text becomes a file."""

import json
from collections.abc import Sequence
from pathlib import Path

from winback.providers.email.local import write_whole
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import ProbeResult, Witness
from winback.providers.sms.base import OutgoingSms, SmsProvider


class LocalSmsProvider(SmsProvider):
    """Writes ``<directory>/<reference>.json``; the name is our reference, so the same text twice is one file."""

    code = "local"
    label = "Local outbox (nobody gets the text)"

    @property
    def directory(self) -> Path:
        directory = self.settings.get("directory")
        if not directory:
            raise ProviderMisconfigured("The local outbox has no directory.")
        return Path(str(directory))

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProviderTrouble(f"The outbox folder cannot be made: {error}") from error
        for message in messages:
            witness.starting(message.reference)
            content = json.dumps({"to": message.recipient, "body": message.body}, ensure_ascii=False).encode()
            try:
                write_whole(self.directory / f"{message.reference}.json", content)
            except OSError as error:
                witness.not_left(message.reference)
                raise ProviderTrouble(f"The outbox cannot be written: {error}") from error
            witness.handed_over(message.reference, f"local-{message.reference}")

    def probe(self) -> ProbeResult:
        return ProbeResult(True, "The local outbox keeps texts as files; nobody gets them.")

    def look_up(self, reference: str) -> bool:
        return (self.directory / f"{reference}.json").exists()
