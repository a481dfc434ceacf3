"""How a provider tells what became of each message of a batch, one by one, while it works."""

from dataclasses import dataclass
from typing import Protocol


class Witness(Protocol):
    """Is told about every single hand-over, right before and right after it: the sender journals what it hears."""

    def starting(self, reference: str) -> None:
        """From here on the message may have left."""

    def handed_over(self, reference: str, provider_id: str) -> None:
        """The provider has taken it."""

    def refused(self, reference: str, code: str, detail: str) -> None:
        """The provider will never take it for this recipient; nobody else is concerned."""

    def not_left(self, reference: str) -> None:
        """It was started, and it is certain that it did not leave."""


@dataclass(frozen=True)
class ProbeResult:
    """Whether a connection answers, and what was looked at."""

    ok: bool
    detail: str
    code: str = ""
