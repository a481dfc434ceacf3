"""The local outbox: every e-mail becomes a file, for trials and for whoever hosts without a provider yet."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import UnsafeHeader, serialise
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import ProbeResult, Witness


class LocalEmailProvider(EmailProvider):
    """Writes ``<directory>/<reference>.eml``. The name is our reference, so the same message twice is one file."""

    code = "local"
    label = "Local outbox (nobody gets the message)"

    @property
    def directory(self) -> Path:
        directory = self.settings.get("directory")
        if not directory:
            raise ProviderMisconfigured("The local outbox has no directory.")
        return Path(str(directory))

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProviderTrouble(f"The outbox folder cannot be made: {error}") from error
        for message in messages:
            witness.starting(message.reference)
            try:
                content = serialise(message, date=datetime.now(UTC))  # noqa: TID251 - when it was written
            except UnsafeHeader as error:
                witness.refused(message.reference, "address_unusable", str(error))
                continue
            try:
                write_whole(self.directory / f"{message.reference}.eml", content)
            except OSError as error:  # a full disk
                witness.not_left(message.reference)
                raise ProviderTrouble(f"The outbox cannot be written: {error}") from error
            witness.handed_over(message.reference, message.message_id)

    def probe(self) -> ProbeResult:
        return ProbeResult(True, "The local outbox keeps messages as files; nobody gets them.")

    def look_up(self, reference: str) -> bool:
        return (self.directory / f"{reference}.eml").exists()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a name of its own first, then the final one."""
    part = path.with_suffix(".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
