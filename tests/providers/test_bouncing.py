"""Whose fault a bounce is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.providers.bouncing import classify, enhanced_status
from winback.providers.receiving import BounceClass

HARD, SOFT, BLOCKED = BounceClass.HARD, BounceClass.SOFT, BounceClass.BLOCKED
CONTENT, UNKNOWN = BounceClass.CONTENT, BounceClass.UNKNOWN


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("5.1.1", HARD),
        ("5.1.2", HARD),
        ("5.1.3", HARD),
        ("5.1.6", HARD),
        ("5.1.10", HARD),
        ("5.2.1", HARD),
        ("5.2.2", SOFT),
        ("5.2.3", CONTENT),
        ("5.1.8", BLOCKED),
        ("5.7.1", BLOCKED),
        ("5.7.26", BLOCKED),
        ("5.7.515", BLOCKED),
        ("4.7.28", BLOCKED),
        ("4.2.2", SOFT),
        ("4.4.1", SOFT),
        ("4.1.1", SOFT),
        ("5.6.0", CONTENT),
        ("5.0.0", UNKNOWN),
        ("452", SOFT),
        ("552", SOFT),
        ("550", UNKNOWN),
        ("30005", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_reads_the_status(code: str, meaning: BounceClass) -> None:
    assert classify(code) is meaning


@pytest.mark.parametrize(
    ("diagnostic", "meaning"),
    [
        ("smtp; 550 5.1.1 <x> User unknown", HARD),
        ("smtp;550 5.7.1 Recipient address rejected: unknown user, blocked", BLOCKED),
        ("550 5.2.2 mailbox full", SOFT),
        ("550 No such user here", HARD),
        ("550 Message rejected as spam; no such user policy", BLOCKED),
        ("550 Mailbox quota exceeded", SOFT),
        ("421 Service not available", SOFT),
        ("554 Message contains a virus", CONTENT),
        ("host example.com said: 550 unknown recipient", HARD),
        ("550-5.1.1 The email account that you tried to reach does not exist. 192.0.2.1", HARD),
        ("delivered by 10.5.1.1 and refused", UNKNOWN),
        ("Connection timed out", SOFT),
    ],
)
def test_reads_what_the_server_answered(diagnostic: str, meaning: BounceClass) -> None:
    assert classify("", diagnostic=diagnostic) is meaning


def test_the_enhanced_status_wins_over_the_basic_one_and_over_the_provider() -> None:
    assert classify("550", diagnostic="550 5.2.2 over quota", hint=HARD) is SOFT
    assert classify("5.7.1", diagnostic="user unknown", hint=HARD) is BLOCKED
    assert classify("5.1.1", hint=SOFT) is HARD


def test_the_provider_is_believed_where_the_codes_say_nothing() -> None:
    assert classify("5.0.0", diagnostic="550 go away", hint=HARD) is HARD
    assert classify("", diagnostic="spam", hint=HARD) is HARD
    assert classify("421", hint=HARD) is SOFT


def test_a_status_that_says_nothing_leaves_it_to_the_answer() -> None:
    assert classify("5.0.0", diagnostic="smtp; 550 5.1.1 unknown") is HARD
    assert classify("5.0.0", diagnostic="550 User unknown") is HARD


@given(st.text(max_size=80), st.sampled_from(["4", "5"]), st.integers(0, 999))
def test_a_policy_is_never_the_recipients_fault(words: str, kind: str, detail: int) -> None:
    diagnostic = words.replace(".", " ")

    assert classify(f"{kind}.7.{detail}", diagnostic=diagnostic, hint=HARD) is BLOCKED


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from(list(BounceClass)))
def test_what_is_for_now_is_never_hard(subject: int, detail: int, hint: BounceClass) -> None:
    assert classify(f"4.{subject}.{detail}", hint=hint) in {SOFT, BLOCKED}


@given(st.text(max_size=200), st.text(max_size=200))
def test_reads_anything(code: str, diagnostic: str) -> None:
    assert classify(code, diagnostic=diagnostic) in BounceClass
    assert enhanced_status(diagnostic).count(".") in (0, 2)
