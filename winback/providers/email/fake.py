"""A provider that keeps messages in a list and fails as it is told: for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from winback.providers.email.addresses import UnsafeHeader
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import serialise
from winback.providers.email.unusable import set_aside
from winback.providers.failing import fails
from winback.providers.fake_webhook import FakeWebhook
from winback.providers.handing import ProbeResult, Witness


class FakeEmailProvider(FakeWebhook, EmailProvider):
    """``settings["fail"]``: see failing.py. What was taken is in ``sent``, until a test clears it."""

    code = "fake"
    label = "Fake (tests)"
    for_tests = True
    sent: ClassVar[list[OutgoingEmail]] = []

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        some = self.settings.get("fail_for")
        for message in messages:
            try:
                serialise(message, date=datetime.now(UTC))  # noqa: TID251 - for nobody
            except UnsafeHeader as error:  # what every real provider refuses
                set_aside(message, error, witness)
                continue
            how = some.get(message.recipient_address) if isinstance(some, dict) else None
            if not fails(how or self.settings.get("fail"), message.reference, witness):
                self.sent.append(message)
                witness.handed_over(message.reference, f"fake-{message.reference}")

    def probe(self) -> ProbeResult:
        fail = self.settings.get("fail")
        return ProbeResult(fail is None, "fake", "" if fail is None else "does_not_answer")

    def look_up(self, reference: str) -> bool:
        return any(message.reference == reference for message in self.sent)
