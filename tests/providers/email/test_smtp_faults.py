"""SMTP that breaks: at every point where it can, what is said of the message is true.

The rule that matters most: a message is ``unknown`` exactly when its content was written and the server's word on it
was not heard. Before that nothing has left; after it the server has decided.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.providers.email.contract import email
from tests.providers.email.scripted_smtp import CLOSE, HANG, ScriptedSmtp, running
from tests.providers.hearing import Hearing, hear
from winback.providers.email.smtp import SmtpProvider
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble

ANA, BO = "ana1@example.org", "ana2@example.org"


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"])
def server(request: pytest.FixtureRequest) -> Iterator[ScriptedSmtp]:
    with running(pipelining=request.param) as scripted:
        yield scripted


def sending(server: ScriptedSmtp, *numbers: int, **settings: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(SmtpProvider({}, server.settings(**settings)), [email(number) for number in numbers])


def test_one_connection_carries_all(server: ScriptedSmtp) -> None:
    hearing, trouble = sending(server, *range(1, 31))

    assert trouble is None
    assert hearing.became(*range(1, 31)) == ["handed_over"] * 30
    assert len(server.taken) == 30
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("550 5.1.1 <ana1@example.org>: no such user", "mailbox_unknown"),
        ("550 5.1.2 bad host", "domain_unknown"),
        ("556 5.1.10 null MX", "domain_unknown"),
        ("551 5.1.6 moved", "mailbox_moved"),
        ("550 5.2.1 disabled", "mailbox_disabled"),
        ("550 5.4.1 Recipient address rejected: Access denied", "recipient_refused"),
        ("550 no such user", "recipient_refused"),
        ("553 mailbox name not allowed", "recipient_refused"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(server: ScriptedSmtp, refusal: str, code: str) -> None:
    server.script[ANA] = [refusal]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == code
    assert "ana1" not in hearing.detail_of("ref-1")
    assert len(server.taken) == 1
    assert server.connections == 1


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("450 4.2.0 greylisted", "refused_for_now"),
        ("451 try again", "refused_for_now"),
        ("452 4.2.2 full", "mailbox_full"),
        ("552 5.2.2 full", "mailbox_full"),
        ("552 too much mail", "mailbox_full"),
        ("550 5.7.1 blocked", "refused_by_policy"),
        ("550 rejected by our spam filter", "refused_by_policy"),
        ("554 5.7.1 Relay access denied", "refused_by_policy"),
        ("554 5.3.0 something", "refused_by_provider"),
    ],
)
def test_a_recipient_refused_for_now_is_deferred_alone(server: ScriptedSmtp, refusal: str, code: str) -> None:
    server.script[ANA] = [refusal]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["deferred", "handed_over"]
    assert hearing.code_of("ref-1") == code


def test_the_same_doubtful_refusal_again_and_again_is_the_connections_trouble(server: ScriptedSmtp) -> None:
    server.script["RCPT"] = ["550 5.7.1 your network is blocked"] * 9

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert isinstance(trouble, ProviderTrouble)
    assert "5.7.1" in str(trouble)
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert server.taken == []


def test_a_message_taken_in_between_shows_that_the_connection_is_well(server: ScriptedSmtp) -> None:
    for number in (1, 2, 4, 5, 7, 8):
        server.script[f"ana{number}@example.org"] = ["450 4.2.0 greylisted"]

    hearing, trouble = sending(server, *range(1, 10))

    assert trouble is None
    assert hearing.became(*range(1, 10)) == ["deferred", "deferred", "handed_over"] * 3


@pytest.mark.parametrize(
    ("stage", "refusal", "error"),
    [
        ("MAIL", "550 5.7.1 sender not allowed", ProviderMisconfigured),
        ("MAIL", "530 5.7.0 sign in first", ProviderMisconfigured),
        ("MAIL", "451 4.3.0 later", ProviderTrouble),
        ("RCPT", "550 5.1.8 sender's domain not found", ProviderMisconfigured),
    ],
)
def test_a_refusal_of_us_uses_up_nobody(server: ScriptedSmtp, stage: str, refusal: str, error: type[Exception]) -> None:
    server.script[stage] = [refusal]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is error
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert server.taken == []


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        ("550 5.1.1 no such user after all", "refused", "mailbox_unknown"),
        ("554 5.7.1 looks like spam", "deferred", "refused_by_policy"),
        ("554 no", "deferred", "refused_by_provider"),
        ("451 4.3.0 later", "deferred", "refused_for_now"),
    ],
)
def test_a_refused_content_has_not_left(server: ScriptedSmtp, answer: str, outcome: str, code: str) -> None:
    server.script["content"] = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == [outcome, "handed_over"]
    assert hearing.code_of("ref-1") == code
    assert len(server.taken) == 1


@pytest.mark.parametrize("stage", ["connect", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [CLOSE, "421 4.3.2 shutting down", "nonsense"])
def test_a_connection_lost_before_the_content_has_lost_nothing(server: ScriptedSmtp, stage: str, how: str) -> None:
    server.script[stage] = [how]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is ProviderTrouble
    assert hearing.became(1, 2) == ["untouched", "untouched"]
    assert server.taken == []


@pytest.mark.parametrize("how", [CLOSE, HANG, "nonsense"])
def test_a_connection_lost_after_the_content_leaves_one_message_unknown(server: ScriptedSmtp, how: str) -> None:
    server.script["content"] = ["250 2.0.0 ok", how]

    hearing, trouble = sending(server, 1, 2, 3, timeout_seconds=1)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2, 3) == ["handed_over", "unknown", "untouched"]


def test_a_server_that_says_it_shuts_down_after_the_content_did_not_take_it(server: ScriptedSmtp) -> None:
    server.script["content"] = ["421 4.3.2 shutting down"]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is ProviderTrouble
    assert hearing.became(1, 2) == ["not_left", "untouched"]


@pytest.mark.parametrize("how", [CLOSE, "421 4.7.0 too many messages in this connection"])
def test_a_server_that_ends_a_long_connection_is_dialled_again(server: ScriptedSmtp, how: str) -> None:
    server.script["MAIL"] = ["250 ok", "250 ok", how]

    hearing, trouble = sending(server, *range(1, 6))

    assert trouble is None
    assert hearing.became(*range(1, 6)) == ["handed_over"] * 5
    assert len(server.taken) == 5
    assert server.connections == 2


def test_a_server_that_keeps_hanging_up_is_in_trouble(server: ScriptedSmtp) -> None:
    server.script["MAIL"] = ["250 ok", CLOSE, CLOSE, CLOSE]

    hearing, trouble = sending(server, 1, 2, 3)

    assert type(trouble) is ProviderTrouble
    assert hearing.became(1, 2, 3) == ["handed_over", "untouched", "untouched"]
    assert server.connections == 2


def test_a_server_that_does_not_answer_is_left_after_the_timeout(server: ScriptedSmtp) -> None:
    server.script["connect"] = [HANG]

    hearing, trouble = sending(server, 1, timeout_seconds=0.3)

    assert type(trouble) is ProviderTrouble
    assert hearing.became(1) == ["untouched"]


def test_content_that_a_server_wants_for_nobody_is_empty() -> None:
    with running(wants_content_for_nobody=True) as server:
        server.script[ANA] = ["550 5.1.1 no such user"]

        hearing, trouble = sending(server, 1, 2)

        assert trouble is None
        assert hearing.became(1, 2) == ["refused", "handed_over"]
        assert len(server.taken) == 1


def test_a_refused_envelope_is_reset_before_the_next() -> None:
    with running() as server:
        server.script[ANA] = ["550 5.1.1 no such user"]

        sending(server, 1, 2)

        verbs = [command[:4] for command in server.commands]
        assert verbs == ["EHLO", "MAIL", "RCPT", "DATA", "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


def test_an_unusable_address_in_the_middle_disturbs_nobody(server: ScriptedSmtp) -> None:
    hearing = Hearing()
    messages = [email(1), email(2, recipient_address="nobody"), email(3), email(4, recipient_address="")]

    with SmtpProvider({}, server.settings()) as provider:
        provider.send(messages, hearing)

    assert hearing.became(1, 2, 3, 4) == ["handed_over", "refused", "handed_over", "refused"]
    assert len(server.taken) == 2


def test_a_witness_that_fails_stops_the_batch_and_the_connection_is_not_used_again(server: ScriptedSmtp) -> None:
    class Broken(Hearing):
        def starting(self, reference: str) -> None:
            super().starting(reference)
            if reference == "ref-2":
                raise OSError("the journal's disk is full")

    broken, hearing = Broken(), Hearing()
    with SmtpProvider({}, server.settings()) as provider:
        with pytest.raises(OSError, match="journal"):
            provider.send([email(1), email(2)], broken)
        provider.send([email(3)], hearing)

    assert hearing.became(3) == ["handed_over"]
    assert len(server.taken) == 2, "the second was announced and never written"


def test_the_next_recipient_is_announced_behind_this_content() -> None:
    with running() as server:
        server.script["content"] = [HANG]

        sending(server, 1, 2, timeout_seconds=0.5)

        assert [command[:4] for command in server.commands] == ["EHLO", "MAIL", "RCPT", "DATA"]
        assert len(server.taken) == 1
