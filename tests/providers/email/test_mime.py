"""The serialiser, read back by the standard library: whatever goes in comes out, and no line is too long."""

import re
import smtplib
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.email.contract import email
from tests.providers.email.parsed import parse
from winback.providers.email.addresses import UnsafeHeader, checked_address
from winback.providers.email.mime import header, mailbox, serialise

AT = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)
# One line of anything that a form or a file may hold; headers take no line breaks, and lose spaces at their ends.
LINE = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=400)
AWKWARD = st.sampled_from(
    [
        "=?utf-8?b?SGk=?=",
        '"',
        "\\",
        "a" * 300,
        "ä" * 200,
        "👋" * 60,
        ", <x@y.z>",
        "(c)",
        "a  b",
        "\tx",
        "\x0b",
        "\u2028",
    ]
)
VALUE = LINE | st.lists(AWKWARD | LINE, max_size=4).map(" ".join)
BODY = st.text(max_size=3000) | st.sampled_from([".", ".\n.", "\r\n.\r\n", "--=_ref-1--", "x" * 5000, "From me\n"])


def lines(content: bytes) -> list[bytes]:
    return content.split(b"\r\n")


def same_line_breaks(text: str) -> str:
    return re.sub(r"\r\n|\r", "\n", text)


@settings(max_examples=300, deadline=None)
@given(subject=VALUE, text=BODY, html=BODY)
def test_bodies_and_subject_come_back(subject: str, text: str, html: str) -> None:
    content = serialise(email(subject=subject, text=text, html=html), date=AT)

    parsed = parse(content)

    assert not parsed.defects
    bodies = {part.get_content_type(): part for part in parsed.iter_parts()}
    assert list(bodies) == ["text/plain", "text/html"]
    assert same_line_breaks(bodies["text/plain"].get_content()) == same_line_breaks(text)
    assert same_line_breaks(bodies["text/html"].get_content()) == same_line_breaks(html)
    raw = next(value for name, value in parsed.raw_items() if name == "Subject")
    assert str(make_header(decode_header(raw.replace("\r\n", "")))).strip() == subject.strip()


@settings(max_examples=300, deadline=None)
@given(name=VALUE)
def test_names_come_back_and_add_no_recipient(name: str) -> None:
    parsed = parse(serialise(email(recipient_name=name, sender_name=name), date=AT))

    for field in ("From", "To"):
        (only,) = parsed[field].addresses
        assert only.addr_spec in ("hello@oak.example.com", "ana1@example.org")
        # The parser treats control characters as white space, and white space at the ends as none.
        assert "".join(only.display_name.split()) == "".join(name.split())


@settings(max_examples=200, deadline=None)
@given(subject=VALUE, name=VALUE, note=VALUE)
def test_lines_are_short_ascii_and_end_in_crlf(subject: str, name: str, note: str) -> None:
    message = email(subject=subject, recipient_name=name, sender_name=name, headers={"X-Note": note})

    content = serialise(message, date=AT)

    assert content.isascii()
    assert b"\0" not in content
    assert content.endswith(b"\r\n")
    for line in lines(content):
        assert b"\r" not in line
        assert b"\n" not in line
        assert len(line) <= 998
        assert b"=?utf-8?b?" not in line or len(line) <= 76, "RFC 2047, section 2"


@settings(max_examples=300, deadline=None)
@given(value=st.text(max_size=60), where=st.sampled_from(["subject", "recipient_name", "sender_name", "header"]))
def test_no_value_adds_a_header(value: str, where: str) -> None:
    changes: dict[str, Any] = {"headers": {"X-Note": value}} if where == "header" else {where: value}
    wanted = [name for name, _ in parse(serialise(email(headers={"X-Note": "a"}), date=AT)).items()]
    if where != "header":
        changes["headers"] = {"X-Note": "a"}

    try:
        content = serialise(email(**changes), date=AT)
    except UnsafeHeader:
        assert set(value) & {"\r", "\n", "\0"}
    else:
        assert [name for name, _ in parse(content).items()] == wanted


@pytest.mark.parametrize("value", ["a\r\nb", "a\n", "a\r", "a\0", "\n", "a\r\n b"])
def test_a_line_break_anywhere_is_refused(value: str) -> None:
    with pytest.raises(UnsafeHeader):
        header("Subject", value)
    with pytest.raises(UnsafeHeader):
        mailbox(value, "ana@example.org")
    with pytest.raises(UnsafeHeader):
        mailbox("Ana", f"ana@example.org{value}")


def test_half_a_character_is_refused() -> None:
    awkward: tuple[dict[str, Any], ...]
    awkward = ({"subject": "\ud800"}, {"html": "\ud800"}, {"text": "\ud800"}, {"recipient_name": "\ud800"})
    for changes in awkward:
        with pytest.raises(UnsafeHeader):
            serialise(email(**changes), date=AT)


def test_a_header_that_cannot_be_folded_is_refused() -> None:
    with pytest.raises(UnsafeHeader, match="too long"):
        header("X-Note", "x" * 2000)


def test_a_long_list_unsubscribe_stays_whole() -> None:
    link = f"<https://book.example.com/u/{'x' * 300}>"

    parsed = parse(serialise(email(headers={"List-Unsubscribe": link}), date=AT))

    assert parsed["List-Unsubscribe"] == link


def test_plain_values_stay_readable() -> None:
    content = serialise(email(sender_name="Oak Plumbing", subject="We miss you, Ana!"), date=AT)

    assert b"\r\nSubject: We miss you, Ana!\r\n" in content
    assert content.startswith(b"From: Oak Plumbing <hello@oak.example.com>\r\n")


def test_carries_our_reference_date_and_one_click_headers() -> None:
    parsed = parse(serialise(email(), date=AT))

    assert parsed["Message-ID"] == "<ref-1@oak.example.com>"
    assert parsed["Date"].datetime == AT
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_simulation_has_its_own_date() -> None:
    simulated = datetime(2011, 12, 9, 12, tzinfo=UTC)

    assert parse(serialise(email(date=simulated), date=AT))["Date"].datetime == simulated


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ana@example.org", "ana@example.org"),
        (" ana@example.org ", "ana@example.org"),
        ("o'hara+win/back=1@example.org", "o'hara+win/back=1@example.org"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@BÜCHER.example", "ana@xn--bcher-kva.example"),
        ("ana@faß.example", "ana@xn--fa-hia.example"),
        ("ana@例え.example", "ana@xn--r8jz45g.example"),
    ],
)
def test_addresses_that_can_be_written_to(address: str, written: str) -> None:
    assert checked_address(address) == written


@settings(max_examples=300, deadline=None)
@given(address=st.text(max_size=80) | st.text(max_size=40).map(lambda text: f"{text}@example.org"))
def test_no_address_breaks_out_of_an_smtp_command(address: str) -> None:
    try:
        checked = checked_address(address)
    except UnsafeHeader:
        return
    assert checked.isascii()
    assert not set(checked) & set('<>\r\n\0 ,;:"()[]\\')
    assert smtplib.quoteaddr(checked) == f"<{checked}>"
