"""What every e-mail provider does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, Self

from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness


@dataclass(frozen=True)
class OutgoingEmail:
    """One e-mail, rendered. ``reference`` is ours: it goes along as Message-ID, metadata or idempotency key."""

    reference: str
    sender_name: str
    sender_address: str
    recipient_name: str
    recipient_address: str
    subject: str
    html: str
    text: str
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        return f"<{self.reference}@{self.sender_address.rpartition('@')[2]}>"


class EmailProvider(ABC):
    """One account of one e-mail provider; used as a context manager, so that connections last over a batch."""

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
        """Let go of connections; opened again when needed."""

    @abstractmethod
    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        """Hand the messages over, in order, telling the witness about each.

        A message that was started and of which the witness hears no more is unknown. Raises ProviderTrouble when the
        rest cannot be tried; the ones not started did not leave.
        """

    @abstractmethod
    def probe(self) -> ProbeResult:
        """Whether this account answers and would take mail, without sending any."""

    def look_up(self, reference: str) -> bool | None:
        """Whether a message with this reference arrived at the provider; None where it cannot tell."""
        return None
