"""Signatures that others made hold, and nothing that was changed afterwards does."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.domains.dns_server import Running, serving
from winback.providers.domains.lookup import Lookup, LookupFailed
from winback.providers.domains.signatures import Signature, check_all

SIGNED = Path(__file__).parent / "signed"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
KEY = (SIGNED / "key.txt").read_text().strip()
NAME = "s1._domainkey.oak.example.com"
WITH_DKIMPY = sorted(path.name for path in SIGNED.glob("*.eml") if path.name != "rfc8463.eml")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    keys = {
        NAME: {"TXT": [KEY]},
        "brisbane._domainkey.football.example.com": {
            "TXT": ["v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]
        },
        "test._domainkey.football.example.com": {
            "TXT": [
                "v=DKIM1; k=rsa; "
                "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jL"
                "QiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
                "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
            ]
        },
    }
    with serving(keys) as running:
        yield running


def read(name: str) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", (SIGNED / name).read_bytes())


def only(raw: bytes, server: Running, now: datetime = NOW) -> Signature:
    (signature,) = check_all(raw, Lookup([server.address]), now=now)
    return signature


@pytest.mark.parametrize("name", WITH_DKIMPY)
def test_what_dkimpy_signed_holds(server: Running, name: str) -> None:
    signature = only(read(name), server)

    assert (signature.domain, signature.selector, signature.problem) == ("oak.example.com", "s1", "")
    assert signature.partial == (name == "body-length.eml")


def test_the_two_signatures_of_rfc_8463_hold(server: Running) -> None:
    found = check_all(read("rfc8463.eml"), Lookup([server.address]), now=NOW)

    assert [(each.selector, each.valid) for each in found] == [("brisbane", True), ("test", True)]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"a while", b"a smile", "the body was changed"),
        (b"Subject: =?utf-8?q?We_miss_you?=", b"Subject: Hello", "the headers were changed"),
        (b"List-Unsubscribe:\r\n <https", b"List-Unsubscribe: <http", "the headers were changed"),
        (b"s=s1", b"s=s2", "there is no key"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "no longer accepted"),
        (b"a=rsa-sha256", b"a=ed25519-sha256", "of another kind"),
        (b"v=1", b"v=2", "unknown version"),
        (b"h=from : from", b"h=to : to", "does not cover From"),
        (b"d=oak.example.com;", b"d=oak.example.com; i=@elm.example.com;", "outside of d="),
        (b"d=oak.example.com;", b"d=oak.example.com; x=1000;", "expired"),
        (b"c=relaxed/relaxed", b"c=tidy/relaxed", "canonicalization"),
        (b"bh=", b"bx=", "it lacks bh"),
    ],
)
def test_what_was_changed_does_not_hold(server: Running, old: bytes, new: bytes, problem: str) -> None:
    raw = read("relaxed-relaxed.eml")
    assert old in raw

    assert problem in only(raw.replace(old, new, 1), server).problem


def test_a_second_from_breaks_a_signature_that_was_made_over_one(server: Running) -> None:
    raw = read("relaxed-relaxed.eml").replace(b"\r\nTo:", b"\r\nFrom: eve@elm.example.com\r\nTo:", 1)

    assert not only(raw, server).valid


def test_what_relaxed_allows_to_change_still_holds(server: Running) -> None:
    raw = (
        read("relaxed-relaxed.eml")
        .replace(b"Subject: ", b"SUBJECT:\t ")
        .replace(b"\r\nMIME-Version: 1.0", b"\r\nMime-Version:  1.0 ")
    )

    assert only(raw + b"\r\n\r\n", server).valid


def test_a_key_server_that_gives_no_answer_is_no_verdict(server: Running) -> None:
    server.names.broken.add(NAME)
    try:
        with pytest.raises(LookupFailed):
            only(read("relaxed-relaxed.eml"), server)
    finally:
        server.names.broken.clear()


@given(st.binary(max_size=200))
def test_whatever_stands_in_a_message_is_no_crash(rubbish: bytes) -> None:
    raw = b"DKIM-Signature: " + rubbish + b"\r\nFrom: a@b.example\r\n\r\n" + rubbish

    assert not any(each.valid for each in check_all(raw, _Nowhere(), now=NOW))


class _Nowhere(Lookup):
    """Knows no name."""

    def __init__(self) -> None:
        super().__init__(["127.0.0.1:9"])

    def _asked(self, *_: object) -> LookupFailed:
        raise AssertionError("nothing in this message is worth asking for")
