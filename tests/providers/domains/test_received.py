"""A message as it was received: taken from a local SMTP server, after it was signed on the way."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.providers.domains.dns_server import Key, Running, make_key, serving
from tests.providers.domains.signing import ONE_CLICK, USUAL, sign
from tests.providers.hearing import Hearing
from tests.providers.ports import free_port
from winback.providers.domains.findings import Severity
from winback.providers.domains.lookup import Lookup
from winback.providers.domains.received import Received, examine
from winback.providers.email.base import OutgoingEmail
from winback.providers.email.smtp import SmtpProvider

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OAK = "oak.example.com"
SIGNED = Path(__file__).parent / "signed"


@pytest.fixture(scope="module")
def key() -> Key:
    return make_key()


@pytest.fixture(scope="module")
def server(key: Key) -> Iterator[Running]:
    zone = {
        f"s1._domainkey.{OAK}": {"TXT": [key.record]},
        "s1._domainkey.post.example": {"TXT": [key.record]},
        "old._domainkey.oak.example.com": {"TXT": [(SIGNED / "key.txt").read_text().strip()]},
        f"_dmarc.{OAK}": {"TXT": ["v=DMARC1; p=reject"]},
    }
    with serving(zone) as running:
        yield running


class Inbox:
    """What arrived, with the envelope's sender on top as a mailbox provider writes it."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(f"Return-Path: <{envelope.mail_from}>\r\n".encode() + envelope.content)
        return "250 OK"


@pytest.fixture(scope="module")
def arrived() -> bytes:
    """A marketing message of ours as a mail server receives it, unsigned."""
    inbox = Inbox()
    receiver = Controller(inbox, hostname="127.0.0.1", port=free_port())
    receiver.start()
    try:
        mail = OutgoingEmail(
            reference="wb-1",
            sender_name="Oak & Söhne",
            sender_address=f"hello@{OAK}",
            recipient_name="Ana",
            recipient_address="ana@elm.example",
            subject="We miss you – Größe",
            html="<p>It has been a while. Größe</p>",
            text="It has been a while. Größe",
            headers={
                "List-Unsubscribe": "<https://oak.example.com/u/" + "x" * 120 + ">",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Feedback-ID": "1:2:3:winback",
            },
            date=NOW,
        )
        with SmtpProvider({}, {"host": "127.0.0.1", "port": str(receiver.port), "security": "none"}) as provider:
            provider.send([mail], Hearing())
    finally:
        receiver.stop()
    return inbox.messages[0]


def check(raw: bytes, server: Running) -> Received:
    return examine(raw, Lookup([server.address]), now=NOW)


def troubles(found: Received) -> list[str]:
    return [finding.code for finding in found.findings if finding.severity != Severity.NOTE]


def test_our_message_signed_by_the_domain_is_in_order(arrived: bytes, key: Key, server: Running) -> None:
    found = check(sign(arrived, key, domain=OAK), server)

    assert troubles(found) == []
    assert (found.domain, found.bounce_domain) == (OAK, OAK)
    assert [(each.domain, each.selector) for each in found.aligned] == [(OAK, "s1")]


def test_as_it_is_saved_with_other_line_ends_it_still_is(arrived: bytes, key: Key, server: Running) -> None:
    assert troubles(check(b"\n" + sign(arrived, key, domain=OAK).replace(b"\r\n", b"\n"), server)) == []


def test_without_a_signature(arrived: bytes, server: Running) -> None:
    assert troubles(check(arrived, server)) == ["message_unsigned"]


def test_a_signature_that_leaves_out_one_click(arrived: bytes, key: Key, server: Running) -> None:
    found = check(sign(arrived, key, domain=OAK, over=(*USUAL, ONE_CLICK[0])), server)

    assert troubles(found) == ["message_one_click_unsigned"]
    assert "List-Unsubscribe-Post" in found.findings[1].sentence


def test_one_header_under_each_of_two_signatures_is_not_both_under_one(
    arrived: bytes, key: Key, server: Running
) -> None:
    once = sign(arrived, key, domain=OAK, over=(*USUAL, ONE_CLICK[0]))
    twice = sign(once, key, domain=OAK, over=(*USUAL, ONE_CLICK[1]))

    assert troubles(check(twice, server)) == ["message_one_click_unsigned"]


def test_signed_by_the_provider_alone_is_not_aligned(arrived: bytes, key: Key, server: Running) -> None:
    assert troubles(check(sign(arrived, key, domain="post.example"), server)) == ["message_not_aligned"]


def test_signed_by_the_provider_and_by_the_domain_is(arrived: bytes, key: Key, server: Running) -> None:
    assert troubles(check(sign(sign(arrived, key, domain=OAK), key, domain="post.example"), server)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"PHA+", b"PHB+", ["message_signature_broken"]),
        (b"Feedback-ID: 1:2:3:winback", b"Feedback-ID: 1:2:3:4:5", ["message_feedback_id_wrong"]),
        (b"Feedback-ID: 1:2:3:winback\r\n", b"", ["message_feedback_id_missing"]),
        (b"From: ", b"From: eve@elm.example\r\nFrom: ", ["message_from_wrong"]),
        (b"From: ", b"X-From: ", ["message_unreadable"]),
    ],
)
def test_changed_after_signing(
    arrived: bytes, key: Key, server: Running, old: bytes, new: bytes, expected: list[str]
) -> None:
    signed = sign(arrived, key, domain=OAK)
    assert old in signed

    assert troubles(check(signed.replace(old, new, 1), server)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", ["message_one_click_missing"]),
        (b"=One-Click", b"=one-click", ["message_one_click_missing"]),
        (b"<https://oak", b"<http://oak", ["message_unsubscribe_wrong"]),
        (b"List-Unsubscribe: ", b"X-Unsubscribe: ", ["message_unsubscribe_missing"]),
    ],
)
def test_changed_before_signing(
    arrived: bytes, key: Key, server: Running, old: bytes, new: bytes, expected: list[str]
) -> None:
    assert old in arrived

    assert troubles(check(sign(arrived.replace(old, new, 1), key, domain=OAK), server)) == expected


def test_dkimpys_message_in_part_and_without_one_click(server: Running) -> None:
    server.names.zone[f"s1._domainkey.{OAK}"], kept = (
        server.names.zone[f"old._domainkey.{OAK}"],
        server.names.zone[f"s1._domainkey.{OAK}"],
    )
    try:
        assert troubles(check((SIGNED / "relaxed-relaxed.eml").read_bytes(), server)) == []
        assert troubles(check((SIGNED / "body-length.eml").read_bytes(), server)) == ["message_signed_in_part"]
        unsigned = check((SIGNED / "one-click-unsigned.eml").read_bytes(), server)
    finally:
        server.names.zone[f"s1._domainkey.{OAK}"] = kept

    assert troubles(unsigned) == ["message_one_click_unsigned"]


def test_no_answer_about_the_key_is_no_verdict(arrived: bytes, key: Key, server: Running) -> None:
    server.names.broken.add(f"s1._domainkey.{OAK}")
    try:
        found = check(sign(arrived, key, domain=OAK), server)
    finally:
        server.names.broken.clear()

    assert found.findings == ()
    assert found.undecided


@pytest.mark.parametrize("rubbish", [b"", b"hello", b"\x00\xff" * 50, b"From: \r\n\r\n", b"<html>not a message</html>"])
def test_rubbish_is_refused_with_a_sentence(rubbish: bytes, server: Running) -> None:
    assert troubles(check(rubbish, server))[0] in ("message_unreadable", "message_from_wrong")
