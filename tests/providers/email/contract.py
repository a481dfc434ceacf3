"""What every e-mail provider must do. An adapter's test module inherits this class and says how to build it.

pytest collects it under the adapters' names only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.providers.hearing import Hearing
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

ONE_CLICK = {
    "List-Unsubscribe": "<https://book.example.com/u/AQEAAAABAAAAAAAAAAd0b2tlbi10b2tlbi10b2tlbg>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


def email(number: int = 1, **changes: Any) -> OutgoingEmail:
    """A message to somebody, with every part that may be awkward in its mild form."""
    message = OutgoingEmail(
        reference=f"ref-{number}",
        sender_name="Oak & Sons, Plumbing",
        sender_address="hello@oak.example.com",
        recipient_name="Ana Núñez",
        recipient_address=f"ana{number}@example.org",
        subject="It has been a while – 20 % off",
        html="<p>Hallo Ana 👋</p>\n<p>.dot at the start</p>",
        text="Hallo Ana 👋\n.dot at the start\n",
        reply_to="office@oak.example.com",
        headers=ONE_CLICK,
    )
    return replace(message, **changes)


@dataclass(frozen=True)
class Received:
    """A message as the other side got it."""

    reference: str
    sender: tuple[str, str]
    recipient: tuple[str, str]
    reply_to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]


class EmailProviderContract:
    """Inherit, and define ``provider`` (a fixture) and ``received``."""

    @pytest.fixture
    def provider(self) -> EmailProvider:
        raise NotImplementedError

    def received(self) -> Sequence[Received]:
        """What arrived at the other side, in order."""
        raise NotImplementedError

    def test_hands_over_what_it_was_given(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email()], hearing)

        assert hearing.of("ref-1") == "handed_over"
        assert hearing.detail_of("ref-1"), "the provider's own id, or something to find it by"
        (arrived,) = self.received()
        assert arrived.reference == "ref-1"
        assert arrived.sender == ("Oak & Sons, Plumbing", "hello@oak.example.com")
        assert arrived.recipient == ("Ana Núñez", "ana1@example.org")
        assert arrived.reply_to == "office@oak.example.com"
        assert arrived.subject == "It has been a while – 20 % off"
        assert arrived.text.splitlines() == ["Hallo Ana 👋", ".dot at the start"]
        assert arrived.html.splitlines() == ["<p>Hallo Ana 👋</p>", "<p>.dot at the start</p>"]
        assert arrived.headers.items() >= ONE_CLICK.items()

    def test_hands_over_in_order_over_one_connection(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email(number) for number in range(1, 4)], hearing)
            provider.send([email(number) for number in range(4, 6)], hearing)

        references = [f"ref-{number}" for number in range(1, 6)]
        assert [arrived.reference for arrived in self.received()] == references
        assert [entry[1] for entry in hearing.heard if entry[0] == "handed_over"] == references

    def test_says_what_became_of_one_before_it_starts_the_next(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email(number) for number in range(1, 4)], hearing)

        assert [entry[0] for entry in hearing.heard] == ["starting", "handed_over"] * 3

    def test_can_be_used_again_after_it_was_closed(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        provider.send([email(1)], hearing)
        provider.close()
        provider.close()
        provider.send([email(2)], hearing)
        provider.close()

        assert [arrived.reference for arrived in self.received()] == ["ref-1", "ref-2"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"recipient_name": "Ana\r\nBcc: all@example.org"},
            {"subject": "Hello\r\n\r\n<script>"},
            {"subject": "Hello\n"},
            {"subject": "Hello\0"},
            {"headers": {"X-Note": "a\r\nX-Injected: yes"}},
            {"headers": {"X-Note": "a\n"}},
            {"headers": {"X-Note\r\nX-Injected": "a"}},
            {"headers": {"X Note": "a"}},
            {"headers": {"bcc": "all@example.org"}},
            {"headers": {"Content-Type": "text/plain"}},
        ],
        ids=repr,
    )
    def test_refuses_what_would_break_out_of_its_header(self, provider: EmailProvider, changes: dict[str, Any]) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email(1, **changes), email(2)], hearing)

        assert (hearing.of("ref-1"), hearing.code_of("ref-1")) == ("refused", "content_refused")
        assert hearing.of("ref-2") == "handed_over"
        assert [arrived.reference for arrived in self.received()] == ["ref-2"]

    @pytest.mark.parametrize(
        "address",
        [
            "ana@example.org\r\nBcc: all@example.org", "ana@example.org\n", "ana\0@example.org", "ñandú@example.org",
            "ana@exa mple.org", "ana@-example.org", "ana@example..org", "ana..bo@example.org", ".ana@example.org",
            "ana>,<bo@example.org", '"ana oak"@example.org', "ana", "ana@", "@example.org", "",
            "a" * 65 + "@example.org",
        ],
    )  # fmt: skip
    def test_refuses_an_address_that_is_none(self, provider: EmailProvider, address: str) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email(1, recipient_address=address), email(2)], hearing)

        assert (hearing.of("ref-1"), hearing.code_of("ref-1")) == ("refused", "address_unusable")
        assert [arrived.reference for arrived in self.received()] == ["ref-2"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"sender_name": "Oak\nX-Injected: yes"},
            {"sender_address": "hello@oak.example.com\r\nX-Injected: yes"},
            {"sender_address": "nobody"},
            {"reply_to": "office@oak.example.com\r\nX-Injected: yes"},
        ],
        ids=repr,
    )
    def test_a_sender_that_cannot_be_written_uses_up_no_recipient(
        self, provider: EmailProvider, changes: dict[str, Any]
    ) -> None:
        hearing = Hearing()

        with provider, pytest.raises(ProviderMisconfigured):
            provider.send([email(1, **changes), email(2)], hearing)

        assert hearing.heard == []
        assert self.received() == []

    def test_writes_international_domains_in_ascii(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([email(recipient_address="ana@straße.example")], hearing)

        (arrived,) = self.received()
        assert arrived.recipient[1] == "ana@xn--strae-oqa.example"

    def test_sends_nothing_for_nobody(self, provider: EmailProvider) -> None:
        hearing = Hearing()

        with provider:
            provider.send([], hearing)

        assert hearing.heard == []
        assert self.received() == []

    def test_answers_a_probe_and_sends_nothing(self, provider: EmailProvider) -> None:
        result = provider.probe()

        assert result.ok, result.detail
        assert result.code == ""
        assert self.received() == []


class FailingContract:
    """For those that can be made to fail: define ``down`` (nothing can be reached)."""

    @pytest.fixture
    def down(self) -> EmailProvider:
        raise NotImplementedError

    def test_trouble_before_anything_leaves_touches_nobody(self, down: EmailProvider) -> None:
        hearing = Hearing()

        with pytest.raises(ProviderTrouble):
            down.send([email(1), email(2)], hearing)

        assert hearing.of("ref-1") in ("untouched", "not_left")
        assert hearing.of("ref-2") == "untouched"

    def test_a_probe_says_that_it_does_not_answer(self, down: EmailProvider) -> None:
        result = down.probe()

        assert (result.ok, result.code) == (False, "does_not_answer")
