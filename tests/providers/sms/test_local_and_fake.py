"""The local outbox for texts, and the fake: both keep the contract of the real ones."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.providers.hearing import Hearing
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from winback.providers.errors import OutcomeUnknown
from winback.providers.sms.base import SmsProvider
from winback.providers.sms.fake import FakeSmsProvider
from winback.providers.sms.local import LocalSmsProvider


class TestLocalOutbox(SmsProviderContract):
    @pytest.fixture
    def provider(self, tmp_path: Path) -> SmsProvider:
        self.folder = tmp_path / "oak" / "sms"
        return LocalSmsProvider({}, {"directory": str(self.folder)})

    def received(self) -> Sequence[tuple[str, str]]:
        written = [json.loads(path.read_bytes()) for path in sorted(self.folder.glob("*"))]
        return [(each["to"], each["body"]) for each in written]

    def test_the_file_is_named_by_the_reference_and_says_what_it_costs(self, provider: SmsProvider) -> None:
        provider.send([text(body="Hello " + "👋" * 40)], Hearing())

        (path,) = self.folder.iterdir()
        assert path.name == "ref-1.json"
        assert json.loads(path.read_text())["segments"] == 2
        assert provider.look_up("ref-1") is True
        assert provider.look_up("ref-2") is None, "it may lie in the outbox of another host"

    def test_a_text_that_leaves_twice_shows(self, provider: SmsProvider) -> None:
        provider.send([text()], Hearing())
        provider.send([text()], Hearing())

        assert sorted(path.name for path in self.folder.iterdir()) == ["ref-1.json", "ref-1~2.json"]


class TestFake(SmsProviderContract, FailingSmsContract):
    @pytest.fixture(autouse=True)
    def _empty(self) -> Iterator[None]:
        FakeSmsProvider.sent.clear()
        yield
        FakeSmsProvider.sent.clear()

    @pytest.fixture
    def provider(self) -> SmsProvider:
        return FakeSmsProvider({}, {})

    @pytest.fixture
    def down(self) -> SmsProvider:
        return FakeSmsProvider({}, {"fail": "trouble"})

    def received(self) -> Sequence[tuple[str, str]]:
        return [(message.recipient, message.body) for message in FakeSmsProvider.sent]

    def test_fails_for_one_as_it_is_told(self) -> None:
        hearing = Hearing()

        with pytest.raises(OutcomeUnknown):
            FakeSmsProvider({}, {"fail_for": {"+14155550102": "unknown"}}).send([text(1), text(2), text(3)], hearing)

        assert hearing.became(1, 2, 3) == ["handed_over", "unknown", "untouched"]
