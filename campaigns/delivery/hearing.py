"""What a provider says of each message while it works, journalled at once and kept until it is recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from campaigns.delivery.intents import IntentFile
from campaigns.delivery.outbox import Outcome
from campaigns.delivery.routing import message_id_of
from campaigns.planning.models import Message


class LeaseOver(Exception):
    """The group took so long that others may soon take its messages for left behind: nothing more of it may start."""


@dataclass
class Hearing:
    """The witness of one group (providers/handing.py).

    ``outcomes`` is what can be recorded; ``later`` names the reason of those that may be tried again by themselves.
    ``start_before`` is the moment of the monotonic clock from which on nothing may start: well before the lease of the
    group runs out, after which what the journal does not name is planned again.
    """

    journal: IntentFile
    outcome: Callable[..., Outcome]
    start_before: float
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    later: dict[int, str] = field(default_factory=dict)

    def starting(self, reference: str) -> None:
        message_id = message_id_of(reference)
        # Journalled first, so that a sender that is stopped right here leaves an unknown message, never one sent twice.
        self.journal.starting(message_id)
        if monotonic() >= self.start_before:
            self.journal.not_left(message_id)
            raise LeaseOver
        # Until something better is known, and should the call die with anything else than an answer.
        self.outcomes[message_id] = self.outcome(message_id, Message.State.UNKNOWN, reason="hand_over_interrupted")

    def handed_over(self, reference: str, provider_id: str) -> None:
        message_id = message_id_of(reference)
        self.journal.handed_over(message_id, provider_id)
        self.outcomes[message_id] = self.outcome(message_id, Message.State.HANDED_OVER, provider_id=provider_id)

    def refused(self, reference: str, code: str, detail: str) -> None:
        message_id = message_id_of(reference)
        self.journal.refused(message_id, code)
        self.outcomes[message_id] = self.outcome(message_id, Message.State.FAILED, reason=code, error=detail)

    def deferred(self, reference: str, code: str, detail: str) -> None:
        message_id = message_id_of(reference)
        self.journal.not_left(message_id)
        self.outcomes.pop(message_id, None)
        self.later[message_id] = code

    def not_left(self, reference: str) -> None:
        message_id = message_id_of(reference)
        self.journal.not_left(message_id)
        self.outcomes.pop(message_id, None)
