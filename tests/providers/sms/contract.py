"""What every SMS provider must do. An adapter's test module inherits this class and says how to build it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.providers.hearing import Hearing
from winback.providers.errors import ProviderTrouble
from winback.providers.sms.base import OutgoingSms, SmsProvider


def text(number: int = 1, **changes: Any) -> OutgoingSms:
    """A text to somebody."""
    message = OutgoingSms(
        reference=f"ref-{number}",
        recipient=f"+1415555010{number}",
        body="Oak & Sons: it has been a while, Ana 👋\nBook: https://book.example.com/book/abc Reply STOP to opt out",
    )
    return replace(message, **changes)


class SmsProviderContract:
    """Inherit, and define ``provider`` (a fixture) and ``received``."""

    @pytest.fixture
    def provider(self) -> SmsProvider:
        raise NotImplementedError

    def received(self) -> Sequence[tuple[str, str]]:
        """Recipient and body of what arrived at the other side, in order."""
        raise NotImplementedError

    def test_hands_over_what_it_was_given(self, provider: SmsProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([text()], hearing)

        assert hearing.of("ref-1") == "handed_over"
        assert hearing.detail_of("ref-1"), "the provider's own id"
        assert self.received() == [("+14155550101", text().body)]

    def test_hands_over_in_order_and_settles_each_before_the_next(self, provider: SmsProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([text(1), text(2)], hearing)
            provider.send([text(3)], hearing)

        assert [entry[:2] for entry in hearing.heard] == [
            (what, f"ref-{number}") for number in (1, 2, 3) for what in ("starting", "handed_over")
        ]
        assert [recipient for recipient, _ in self.received()] == ["+14155550101", "+14155550102", "+14155550103"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"recipient": "4155550101"},
            {"recipient": "+1 415 555 0101"},
            {"recipient": "+14155550101\n"},
            {"recipient": "+0123456789"},
            {"recipient": "+123"},
            {"recipient": "72345"},
            {"recipient": "whatsapp:+14155550101"},
            {"recipient": ""},
        ],
        ids=repr,
    )
    def test_refuses_a_number_that_is_none(self, provider: SmsProvider, changes: dict[str, str]) -> None:
        hearing = Hearing()

        with provider:
            provider.send([text(1, **changes), text(2)], hearing)

        assert (hearing.of("ref-1"), hearing.code_of("ref-1")) == ("refused", "number_invalid")
        assert [recipient for recipient, _ in self.received()] == ["+14155550102"]

    def test_refuses_to_say_nothing(self, provider: SmsProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([text(1, body=" \n")], hearing)

        assert (hearing.of("ref-1"), hearing.code_of("ref-1")) == ("refused", "content_refused")
        assert self.received() == []

    def test_can_be_used_again_after_it_was_closed(self, provider: SmsProvider) -> None:
        hearing = Hearing()

        provider.send([text(1)], hearing)
        provider.close()
        provider.close()
        provider.send([text(2)], hearing)
        provider.close()

        assert len(self.received()) == 2

    def test_answers_a_probe_and_sends_nothing(self, provider: SmsProvider) -> None:
        result = provider.probe()

        assert result.ok, result.detail
        assert self.received() == []


class FailingSmsContract:
    """For those that can be made to fail: define ``down`` (nothing can be reached)."""

    @pytest.fixture
    def down(self) -> SmsProvider:
        raise NotImplementedError

    def test_trouble_before_anything_leaves_touches_nobody(self, down: SmsProvider) -> None:
        hearing = Hearing()

        with pytest.raises(ProviderTrouble):
            down.send([text(1), text(2)], hearing)

        assert hearing.of("ref-1") in ("untouched", "not_left")
        assert hearing.of("ref-2") == "untouched"

    def test_a_probe_says_that_it_does_not_answer(self, down: SmsProvider) -> None:
        result = down.probe()

        assert (result.ok, result.code) == (False, "does_not_answer")
