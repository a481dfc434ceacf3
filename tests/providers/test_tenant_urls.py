"""Calls to addresses that a tenant typed in reach the public internet and nothing else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.http_server import PATIENCE, Answer, Request, serving
from winback.providers.tenant_calls import LONGEST_ANSWER, Caller, Unreachable
from winback.providers.tenant_urls import NotAllowed, Rules, checked_url, may_call

STRICT = Rules()
LOCAL = Rules(private=True)

INSIDE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "", "example.com", "2130706433",
]  # fmt: skip
OUTSIDE = ["8.8.8.8", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001:829::200e"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    assert not may_call(address, STRICT)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_may_be_called(address: str) -> None:
    assert may_call(address, STRICT)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200"])
def test_metadata_is_refused_even_where_the_operator_allows_private_networks(address: str) -> None:
    assert not may_call(address, LOCAL)
    assert may_call("10.1.2.3", LOCAL)


@given(st.integers(0, 2**32 - 1))
def test_a_v4_address_written_as_v6_is_judged_as_v4(number: int) -> None:
    address = ip_address(number)

    assert may_call(f"::ffff:{address}", STRICT) == may_call(str(address), STRICT)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "javascript:alert(1)", "//example.com/", "example.com", "",
        "https://", "https:///path", "https://user@example.com/", "https://user:secret@example.com/",
        "https://example.com/#part", "https://example.com/a b", "https://example.com\\@evil.com/",
        "https://example.com/\r\nHost: evil", "https://example.com:22/", "https://example.com:0/",
        "https://example.com:99999/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest",
        "https://[::ffff:169.254.169.254]/", "https://example.com/" + "a" * 500, "https://exa\x00mple.com/",
    ],
)  # fmt: skip
def test_a_url_of_the_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(NotAllowed):
        checked_url(url, STRICT)


@pytest.mark.parametrize("url", ["https://example.com/hook", "https://example.com:8443/x?y=1", "https://example.com."])
def test_a_url_of_the_right_form_is_kept_as_it_is(url: str) -> None:
    assert checked_url(url, STRICT) == url


@pytest.mark.parametrize(
    "answers",
    [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], []],
    ids=str,
)
def test_a_name_that_leads_inside_is_refused_and_not_called(answers: list[str]) -> None:
    with serving(lambda _: Answer()) as server:
        caller = Caller("https://hooks.example.com/", STRICT, resolve=lambda host, port: answers)

        with pytest.raises(NotAllowed) as refused:
            caller.post(b"{}", {})

    assert server.requests == []
    assert not any(answer in str(refused.value) for answer in answers if answer)


def test_numbers_that_the_system_takes_for_an_address_are_judged_as_one() -> None:
    for host in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"):
        with pytest.raises((NotAllowed, Unreachable)):
            Caller(f"https://{host}/", STRICT).post(b"{}", {})


def test_a_name_that_changes_its_answer_is_judged_again_and_pinned() -> None:
    """The first look-up is harmless, the second would lead inside: there is no second one for a connection."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with serving(lambda _: Answer(200)) as server:
        port = server.url.rpartition(":")[2]
        caller = Caller(f"http://hooks.example.com:{port}/", LOCAL, resolve=rebinding)
        assert caller.post(b"{}", {}).status == 200
        assert asked == ["hooks.example.com"]
        caller.close()
        with pytest.raises(NotAllowed):
            Caller(f"http://hooks.example.com:{port}/", LOCAL, resolve=rebinding).post(b"{}", {})

    assert server.requests[0].headers["Host"] == f"hooks.example.com:{port}"


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving(lambda _: Answer(302, headers={"Location": "http://127.0.0.1:1/"})) as server:
        answer = Caller(server.url, LOCAL).post(b"{}", {})

    assert (answer.status, len(server.requests)) == (302, 1)


def test_the_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serving(lambda _: Answer(204)) as server:
        assert Caller(server.url, LOCAL).post(b"{}", {}).status == 204


def test_the_connection_is_used_again() -> None:
    with serving(lambda _: Answer(200, b"fine")) as server:
        caller = Caller(server.url, LOCAL)
        for _ in range(3):
            caller.post(b"{}", {})

    assert len({request.connection for request in server.requests}) == 1


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    with serving(lambda _: Answer(200, b"x" * 5_000_000)) as server:
        answer = Caller(server.url, LOCAL).post(b"{}", {})

    assert answer.status == 200
    assert len(answer.excerpt) <= 500 < LONGEST_ANSWER


def test_what_a_stranger_answers_is_kept_as_plain_text() -> None:
    with serving(lambda _: Answer(400, b"no\x00\x1b[31m \xff\xfe\r\nSet-Cookie: x\xe2\x80\xae")) as server:
        answer = Caller(server.url, LOCAL).post(b"{}", {})

    assert answer.excerpt.isprintable()
    assert "\x00" not in answer.excerpt


@contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that says what a test likes, byte by byte."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        try:
            made, _ = listening.accept()
            with made:
                made.recv(65536)
                talk(made, ended)
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        ended.set()
        listening.close()
        thread.join(timeout=30)


def drip(before: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def talk(made: socket.socket, ended: threading.Event) -> None:
        made.sendall(before)
        while not ended.wait(0.05):
            made.sendall(b"a")

    return talk


def test_silence_ends_at_the_deadline() -> None:
    def say_nothing(made: socket.socket, ended: threading.Event) -> None:
        ended.wait(60)

    with raw_server(say_nothing) as url:
        started = monotonic()
        with pytest.raises(Unreachable):
            Caller(url, LOCAL, seconds=0.4).post(b"{}", {})

    assert monotonic() - started < PATIENCE


def test_a_header_that_comes_byte_by_byte_does_not_stretch_the_deadline() -> None:
    with raw_server(drip(b"HTTP/1.1 200 OK\r\nX-Long: ")) as url:
        started = monotonic()
        answer = Caller(url, LOCAL, seconds=1.5).post(b"{}", {})

    assert answer.status == 200
    assert monotonic() - started < PATIENCE


def test_a_status_line_that_comes_byte_by_byte_is_no_answer() -> None:
    with raw_server(drip(b"HTTP/1.1 2")) as url, pytest.raises(Unreachable, match=r"no answer within 0\.4 seconds"):
        Caller(url, LOCAL, seconds=0.4).post(b"{}", {})


def test_a_body_that_comes_byte_by_byte_does_not_either_and_its_status_counts() -> None:
    with raw_server(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")) as url:
        started = monotonic()
        answer = Caller(url, LOCAL, seconds=1.5).post(b"{}", {})

    assert answer.status == 200
    assert monotonic() - started < PATIENCE


def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = b"\x1f\x8b" + b"\x00" * 100

    def respond(_: Request) -> Answer:
        return Answer(200, bomb, {"Content-Encoding": "gzip"})

    with serving(respond) as server:
        assert Caller(server.url, LOCAL).post(b"{}", {}).status == 200


def test_nobody_listening_is_unreachable_and_says_nothing_of_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(Unreachable) as failed:
        Caller(f"http://127.0.0.1:{port}/", LOCAL).post(b"{}", {})

    assert str(failed.value) == "it cannot be reached"
