"""The fake keeps the contract that it stands in for, and fails as it is told."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from tests.providers.email.contract import EmailProviderContract, FailingContract, Received, email
from tests.providers.email.parsed import received
from tests.providers.hearing import Hearing
from winback.providers.email.base import EmailProvider
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.email.mime import serialise
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeEmailProvider.sent.clear()
    yield
    FakeEmailProvider.sent.clear()


class TestFake(EmailProviderContract, FailingContract):
    @pytest.fixture
    def provider(self) -> EmailProvider:
        return FakeEmailProvider({}, {})

    @pytest.fixture
    def down(self) -> EmailProvider:
        return FakeEmailProvider({}, {"fail": "trouble"})

    def received(self) -> Sequence[Received]:
        return [received(serialise(message, date=datetime.now(UTC))) for message in FakeEmailProvider.sent]


@pytest.mark.parametrize(
    ("how", "error", "became"),
    [
        ("trouble", ProviderTrouble, "untouched"),
        ("misconfigured", ProviderMisconfigured, "untouched"),
        ("unknown", OutcomeUnknown, "unknown"),
        ("refuse", None, "refused"),
        ("defer", None, "deferred"),
    ],
)
def test_fails_for_one_as_it_is_told(how: str, error: type[Exception] | None, became: str) -> None:
    fake, hearing = FakeEmailProvider({}, {"fail_for": {"ana2@example.org": how}}), Hearing()
    messages = [email(1), email(2), email(3)]

    if error is None:
        fake.send(messages, hearing)
    else:
        with pytest.raises(error):
            fake.send(messages, hearing)

    assert hearing.of("ref-1") == "handed_over"
    assert hearing.of("ref-2") == became
    assert hearing.of("ref-3") == ("untouched" if error else "handed_over")
