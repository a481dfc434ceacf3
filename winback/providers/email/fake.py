"""A provider that keeps messages in a list and fails as it is told: for tests."""

from collections.abc import Mapping, Sequence

from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.errors import ProviderTrouble
from winback.providers.handing import ProbeResult, Witness


class FakeEmailProvider(EmailProvider):
    """``settings["fail"]``: ``trouble`` before anything, ``refuse`` each recipient, ``unknown`` after each start."""

    code = "fake"
    label = "Fake (tests)"
    sent: list[OutgoingEmail] = []

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self.fail = settings.get("fail")

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        for message in messages:
            if self.fail == "trouble":
                raise ProviderTrouble("the fake provider is down")
            witness.starting(message.reference)
            if self.fail == "refuse":
                witness.refused(message.reference, "recipient_refused", "no such mailbox")
            elif self.fail == "unknown":
                raise ProviderTrouble("the fake connection was cut")
            else:
                type(self).sent.append(message)
                witness.handed_over(message.reference, f"fake-{message.reference}")

    def probe(self) -> ProbeResult:
        return ProbeResult(self.fail is None, "fake", "" if self.fail is None else "does_not_answer")
