"""A witness that remembers, in order, what it heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from winback.providers.email.base import EmailProvider
from winback.providers.errors import ProviderTrouble
from winback.providers.handing import Witness
from winback.providers.sms.base import SmsProvider


@dataclass
class Hearing(Witness):
    """What became of each message: ``heard`` in order, ``of`` by reference."""

    heard: list[tuple[str, ...]] = field(default_factory=list)

    def starting(self, reference: str) -> None:
        assert ("starting", reference) not in self.heard, "started twice"
        self.heard.append(("starting", reference))

    def handed_over(self, reference: str, provider_id: str) -> None:
        self._hear("handed_over", reference, provider_id)

    def refused(self, reference: str, code: str, detail: str) -> None:
        self._hear("refused", reference, code, detail)

    def deferred(self, reference: str, code: str, detail: str) -> None:
        self._hear("deferred", reference, code, detail)

    def not_left(self, reference: str) -> None:
        self._hear("not_left", reference)

    def _hear(self, what: str, reference: str, *more: str) -> None:
        assert ("starting", reference) in self.heard, "never started"
        assert self.of(reference) == "unknown", "settled twice"
        self.heard.append((what, reference, *map(str, more)))

    def of(self, reference: str) -> str:
        """``untouched``, ``unknown`` (started, and no more was heard), or what became of it."""
        said = [entry[0] for entry in self.heard if entry[1] == reference]
        if not said:
            return "untouched"
        return said[1] if len(said) > 1 else "unknown"

    def became(self, *numbers: int) -> list[str]:
        """The same of the messages ``ref-1``, ``ref-2`` …"""
        return [self.of(f"ref-{number}") for number in numbers]

    def code_of(self, reference: str) -> str:
        return next(entry[2] for entry in self.heard if entry[1] == reference and len(entry) > 2)

    def detail_of(self, reference: str) -> str:
        return next(entry[-1] for entry in self.heard if entry[1] == reference and len(entry) > 2)


def hear(provider: EmailProvider | SmsProvider, messages: Sequence[Any]) -> tuple[Hearing, ProviderTrouble | None]:
    """What became of messages that a provider was given, and the trouble that ended it."""
    hearing = Hearing()
    with provider:
        try:
            provider.send(messages, hearing)
        except ProviderTrouble as trouble:
            return hearing, trouble
    return hearing, None
