"""The intent journal: a local append-only file that says which message was being handed over when a process died.

Around each hand-over two short lines are appended, ``s <id>`` before and ``o <id> <provider id>`` after (``r`` for a
refusal, ``n`` for what did not leave), each by one write(2) to an O_APPEND descriptor: they survive kill -9 of the
process (not a power loss, after which the whole small group becomes unknown). ``s`` without another line is the one
message whose fate is unknown; one without any never left.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from uuid import UUID

from django.conf import settings

KEPT_SECONDS = 30 * 86_400
_LINE = re.compile(r"(?P<mark>[sorn]) (?P<message>\d+)(?: (?P<detail>.*))?\Z")


@dataclass
class Intents:
    """What the journal of one claim says about its messages."""

    started: set[int] = field(default_factory=set)
    handed_over: dict[int, str] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)

    @property
    def unknown(self) -> set[int]:
        return self.started - self.handed_over.keys() - self.refused.keys()


class IntentFile:
    """The open journal of one claim."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.needed = False
        """Whether it knows more than the database took: then it stays, and recovery reads it."""

    def starting(self, message_id: int) -> None:
        os.write(self._descriptor, f"s {message_id}\n".encode())

    def handed_over(self, message_id: int, provider_id: str) -> None:
        os.write(self._descriptor, f"o {message_id} {_one_line(provider_id)}\n".encode())

    def not_left(self, message_id: int) -> None:
        """It was started, and certainly did not leave."""
        os.write(self._descriptor, f"n {message_id}\n".encode())

    def refused(self, message_id: int, code: str) -> None:
        os.write(self._descriptor, f"r {message_id} {_one_line(code)}\n".encode())


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]


def _directory() -> Path:
    return Path(settings.WINBACK_HOME) / "intents"


def _path(claim: UUID) -> Path:
    return _directory() / f"{claim}.txt"


@contextmanager
def writing(claim: UUID, *, kept: bool = True) -> Iterator[IntentFile]:
    """The journal of a claim, removed once everything in it is recorded in the database.

    It stays when the work inside fails: recovery reads it. It is locked while its writer lives. A dry run, which hands
    nothing over, keeps none.
    """
    if not kept:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        try:
            yield IntentFile(descriptor)
        finally:
            os.close(descriptor)
        return
    _directory().mkdir(parents=True, exist_ok=True)
    path = _path(claim)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    journal = IntentFile(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield journal
    finally:
        os.close(descriptor)
    if not journal.needed:
        path.unlink(missing_ok=True)


def left_behind() -> list[UUID]:
    """The claims whose journals lie on this host and are written by nobody any more.

    Those of a month ago are removed: what they could tell, nobody asks any more. (By this host's clock, as leases go by
    the database's: it is about processes.)
    """
    found = []
    for path in sorted(_directory().glob("*.txt")):
        with suppress(FileNotFoundError, BlockingIOError, ValueError), path.open() as file:
            claim = UUID(path.stem)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time() - os.fstat(file.fileno()).st_mtime > KEPT_SECONDS:
                path.unlink()
            else:
                found.append(claim)
    return found


def read(claim: UUID) -> Intents | None:
    """What the journal of a claim says; None when this host has none (another host's, or the disk was lost)."""
    try:
        # A last line without its end was never written whole, so what it announces had not begun.
        lines = _path(claim).read_text(errors="replace").split("\n")[:-1]
    except FileNotFoundError:
        return None
    intents = Intents()
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        message_id, detail = int(match["message"]), match["detail"] or ""
        match match["mark"]:
            case "s":
                intents.started.add(message_id)
            case "o":
                intents.handed_over[message_id] = detail
            case "r":
                intents.refused[message_id] = detail
            case "n":
                intents.started.discard(message_id)
    return intents


def forget(claim: UUID) -> None:
    """Remove the journal of a claim whose recovery is recorded."""
    _path(claim).unlink(missing_ok=True)
