"""A provider that keeps texts in a list and fails as it is told: for tests."""

from collections.abc import Sequence
from typing import ClassVar

from winback.providers.failing import fails
from winback.providers.fake_webhook import FakeWebhook
from winback.providers.handing import ProbeResult, Witness
from winback.providers.sms.base import OutgoingSms, SmsProvider, unusable


class FakeSmsProvider(FakeWebhook, SmsProvider):
    """``settings["fail"]``: see failing.py. What was taken is in ``sent``, until a test clears it."""

    code = "fake"
    label = "Fake (tests)"
    for_tests = True
    sent: ClassVar[list[OutgoingSms]] = []

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        some = self.settings.get("fail_for")
        for message in messages:
            if (why := unusable(message)) is not None:  # what every real provider refuses
                witness.starting(message.reference)
                witness.refused(message.reference, *why)
                continue
            how = some.get(message.recipient) if isinstance(some, dict) else None
            if not fails(how or self.settings.get("fail"), message.reference, witness):
                self.sent.append(message)
                witness.handed_over(message.reference, f"fake-{message.reference}")

    def probe(self) -> ProbeResult:
        fail = self.settings.get("fail")
        return ProbeResult(fail is None, "fake", "" if fail is None else "does_not_answer")

    def look_up(self, reference: str) -> bool:
        return any(message.reference == reference for message in self.sent)
