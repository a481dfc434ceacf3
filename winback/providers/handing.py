"""How a provider tells what became of each message of a batch, one by one, while it works."""

import re
from dataclasses import dataclass
from typing import Protocol

# A reference stands in Message-IDs, MIME boundaries, file names, journals and URLs: safe in all of them.
_REFERENCE = re.compile(r"[A-Za-z0-9_=-]{1,60}\Z")


class Witness(Protocol):
    """Is told about every single hand-over, right before and right after it: the sender journals what it hears.

    Each message is ``starting`` first; then exactly one of the others follows, or none: then its fate is unknown.
    """

    def starting(self, reference: str) -> None:
        """From here on the message may have left."""

    def handed_over(self, reference: str, provider_id: str) -> None:
        """The provider has taken it."""

    def refused(self, reference: str, code: str, detail: str) -> None:
        """The provider will never take it for this recipient; nobody else is concerned. ``code`` is a Reason."""

    def deferred(self, reference: str, code: str, detail: str) -> None:
        """It did not leave, and may later: a full mailbox, greylisting, a policy. Try this one again after a while.

        The rest of the batch goes on; whoever tries again counts the attempts and gives up some day.
        """
        self.not_left(reference)

    def not_left(self, reference: str) -> None:
        """It was started, and it is certain that it did not leave (the provider is in trouble, not the recipient)."""


@dataclass(frozen=True)
class ProbeResult:
    """Whether a connection answers, and what was looked at."""

    ok: bool
    detail: str
    code: str = ""
    checked: tuple[str, ...] = ()


def is_reference(text: str) -> bool:
    """Whether it could be a reference of ours."""
    return _REFERENCE.match(text) is not None


class OneAnswer:
    """The witness of one test message: whether the provider took it, and else what it said."""

    taken = False
    detail = ""

    def starting(self, reference: str) -> None:
        """Nothing to journal: a test that is lost is sent again by hand."""

    def handed_over(self, reference: str, provider_id: str) -> None:
        self.taken = True

    def refused(self, reference: str, code: str, detail: str) -> None:
        self.detail = f"{code} {detail}".strip()

    def deferred(self, reference: str, code: str, detail: str) -> None:
        self.detail = f"{code} {detail}".strip()

    def not_left(self, reference: str) -> None:
        self.detail = "the provider is in trouble"


def checked_reference(reference: str) -> str:
    """The reference; raises ValueError when it is none of ours (it would be a bug, never a matter of data)."""
    if not is_reference(reference):
        raise ValueError(f"not a reference: {reference!r}")
    return reference
