"""The folder of a local outbox, where every message becomes a file.

Each host has a folder of its own, unless they share a disk.
"""

import os
from pathlib import Path

from winback.providers.account import ProviderAccount
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import ProbeResult, Witness, checked_reference


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

    def begin(self, directory: Path, reference: str, witness: Witness) -> None:
        """Mark that this message begins in this very folder, and tell the witness; raises what the witness raises."""
        mark = self._mark(directory, reference)
        try:
            mark.touch()
        except OSError as error:
            raise ProviderTrouble(f"The outbox cannot be written: {error.strerror}.") from error
        try:
            witness.starting(reference)
        except BaseException:
            mark.unlink(missing_ok=True)
            raise

    def drop(self, directory: Path, reference: str) -> None:
        """What was begun does not leave."""
        self._mark(directory, reference).unlink(missing_ok=True)

    def keep(self, directory: Path, reference: str, content: bytes) -> None:
        """Write a message that was begun, whole or not at all: its mark is filled, then gets the final name.

        A second one with this reference is kept beside the first (``…~2``): whoever looks sees that it left twice.
        """
        path = self._path(directory, reference)
        number = 1
        while path.exists():
            number += 1
            path = directory / f"{reference}~{number}{self.suffix}"
        mark = self._mark(directory, reference)
        try:
            with mark.open("r+b") as file:  # never made anew: who took the mark away has told that this does not leave
                file.write(content)
            os.replace(mark, path)
        except OSError as error:  # a full disk
            mark.unlink(missing_ok=True)
            raise ProviderTrouble(f"The outbox cannot be written: {error.strerror}.") from error

    def probe(self) -> ProbeResult:
        try:
            directory = self.open_directory()
        except ProviderTrouble as error:
            return ProbeResult(False, str(error), "misconfigured")
        if not os.access(directory, os.W_OK):
            return ProbeResult(False, "The outbox folder cannot be written to.", "misconfigured")
        return ProbeResult(True, "The local outbox keeps messages as files; nobody gets them.", "", ("folder",))

    def look_up(self, reference: str) -> bool | None:
        """Whether it is here. What was neither written nor begun here may lie in the outbox of another host: None.

        What was begun here and is not here never left: its mark goes, so that nobody finishes it or is told so twice.
        """
        directory = self._directory()
        if self._path(directory, reference).exists():
            return True
        try:
            self._mark(directory, reference).unlink()
        except FileNotFoundError:
            return None
        return False

    def _path(self, directory: Path, reference: str) -> Path:
        return directory / f"{checked_reference(reference)}{self.suffix}"

    def _mark(self, directory: Path, reference: str) -> Path:
        return directory / f"{checked_reference(reference)}.part"
