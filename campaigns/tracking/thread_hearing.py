"""What a provider says of each answer while it works, journalled at once: the witness of providers/handing.py."""

from dataclasses import dataclass

from campaigns.delivery.intents import IntentFile, Intents
from campaigns.tracking.thread_models import ThreadText

_PREFIX = "wr-"
_STATE = ThreadText.State


def reference_of(text_id: int) -> str:
    """Our name for an answer at every provider: its reports bring it back. Messages have another."""
    return f"{_PREFIX}{text_id}"


def text_id_of(reference: str) -> int | None:
    """The answer that a reference names, if it names one."""
    number = reference.removeprefix(_PREFIX)
    return int(number) if number != reference and number.isdecimal() and len(number) < 19 else None


@dataclass(frozen=True)
class Heard:
    """What became of one answer. ``PLANNED``: it did not leave, and may be tried again."""

    state: str
    reason: str = ""
    provider_id: str = ""
    error: str = ""

    @classmethod
    def of_journal(cls, journal: Intents | None, text_id: int) -> "Heard":
        """What the journal of a dead process says about one answer."""
        if journal is None or text_id in journal.unknown:
            return cls(_STATE.UNKNOWN, "process_died_while_handing_over")
        if text_id in journal.handed_over:
            return cls(_STATE.HANDED_OVER, provider_id=journal.handed_over[text_id])
        if text_id in journal.refused:
            return cls(_STATE.FAILED, journal.refused[text_id])
        return cls(_STATE.PLANNED)


class Hearing:
    """The witness of one group."""

    def __init__(self, journal: IntentFile) -> None:
        self._journal = journal
        self._heard: dict[int, Heard] = {}

    def of(self, text_id: int) -> Heard:
        """What was not started did not leave."""
        return self._heard.get(text_id, Heard(_STATE.PLANNED))

    def starting(self, reference: str) -> None:
        text_id = self._id(reference)
        self._journal.starting(text_id)
        # Until something better is known, and should the call die with anything else than an answer.
        self._heard[text_id] = Heard(_STATE.UNKNOWN, "hand_over_interrupted")

    def handed_over(self, reference: str, provider_id: str) -> None:
        text_id = self._id(reference)
        self._journal.handed_over(text_id, provider_id)
        self._heard[text_id] = Heard(_STATE.HANDED_OVER, provider_id=provider_id)

    def refused(self, reference: str, code: str, detail: str) -> None:
        text_id = self._id(reference)
        self._journal.refused(text_id, code)
        self._heard[text_id] = Heard(_STATE.FAILED, code, error=detail)

    def deferred(self, reference: str, code: str, detail: str) -> None:
        text_id = self._id(reference)
        self._journal.not_left(text_id)
        self._heard[text_id] = Heard(_STATE.PLANNED, code, error=detail)

    def not_left(self, reference: str) -> None:
        text_id = self._id(reference)
        self._journal.not_left(text_id)
        self._heard[text_id] = Heard(_STATE.PLANNED)

    def _id(self, reference: str) -> int:
        text_id = text_id_of(reference)
        assert text_id is not None, f"no reference of ours: {reference!r}"
        return text_id
