"""The folder of a local outbox, where every message becomes a file."""

import os
from pathlib import Path

from winback.providers.account import ProviderAccount
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import ProbeResult, checked_reference


class Outbox(ProviderAccount):
    """Writes ``<directory>/<reference><suffix>``. The name is our reference, so a message sent twice shows."""

    suffix: str

    def open_directory(self) -> Path:
        """The folder, made when it is not there."""
        directory = self._directory()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProviderTrouble(f"The outbox folder cannot be made: {error.strerror}.") from error
        return directory

    def _directory(self) -> Path:
        if not self.settings.get("directory"):
            raise ProviderMisconfigured("The local outbox has no directory.")
        return Path(str(self.settings["directory"]))

    def keep(self, directory: Path, reference: str, content: bytes) -> None:
        """Write a message whole or not at all: a name of its own first, then the final one.

        A second one with this reference is kept beside the first (``…~2``): whoever looks sees that it left twice.
        """
        path = self._path(directory, reference)
        number = 1
        while path.exists():
            number += 1
            path = directory / f"{reference}~{number}{self.suffix}"
        part = path.with_suffix(".part")
        try:
            part.write_bytes(content)
            os.replace(part, path)
        except OSError as error:  # a full disk
            part.unlink(missing_ok=True)
            raise ProviderTrouble(f"The outbox cannot be written: {error.strerror}.") from error

    def probe(self) -> ProbeResult:
        try:
            directory = self.open_directory()
        except ProviderTrouble as error:
            return ProbeResult(False, str(error), "misconfigured")
        if not os.access(directory, os.W_OK):
            return ProbeResult(False, "The outbox folder cannot be written to.", "misconfigured")
        return ProbeResult(True, "The local outbox keeps messages as files; nobody gets them.", "", ("folder",))

    def look_up(self, reference: str) -> bool:
        return self._path(self._directory(), reference).exists()

    def _path(self, directory: Path, reference: str) -> Path:
        return directory / f"{checked_reference(reference)}{self.suffix}"
