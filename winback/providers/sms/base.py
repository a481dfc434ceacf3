"""What every SMS provider does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness


@dataclass(frozen=True)
class OutgoingSms:
    """One text, rendered. ``recipient`` is E.164; ``callback_url`` carries our reference back."""

    reference: str
    recipient: str
    body: str
    callback_url: str = ""


class SmsProvider(ABC):
    """One account of one SMS provider."""

    code: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        self.credentials = credentials
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections."""

    @abstractmethod
    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        """As EmailProvider.send."""

    @abstractmethod
    def probe(self) -> ProbeResult:
        """Whether this account answers, without sending anything."""

    def look_up(self, reference: str) -> bool | None:
        """Whether a text with this reference arrived at the provider; None where it cannot tell."""
        return None
