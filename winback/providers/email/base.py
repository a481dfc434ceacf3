"""What every e-mail provider does."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from winback.providers.account import ProviderAccount
from winback.providers.email.addresses import checked_address
from winback.providers.handing import Witness, checked_reference


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
    date: datetime | None = None
    """For the Date header; None: the moment it leaves. A simulation has a clock of its own."""

    def __post_init__(self) -> None:
        checked_reference(self.reference)

    @property
    def message_id(self) -> str:
        """Our reference under the sender's domain; raises UnsafeHeader when the sender's address is unusable."""
        return f"<{self.reference}@{_domain(self.sender_address)}>"


@lru_cache(maxsize=256)
def _domain(address: str) -> str:
    return checked_address(address).rpartition("@")[2]


class EmailProvider(ProviderAccount):
    """One account of one e-mail provider."""

    @abstractmethod
    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        """Hand the messages over, in order, telling the witness about each.

        A message that was started and of which the witness hears no more is unknown. Raises ProviderTrouble when the
        rest cannot be tried; the ones not started did not leave.
        """
