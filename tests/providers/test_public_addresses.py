"""A tenant's address is called only where it is public, looked at when the connection is made."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pytest_django import Settings

from tests.providers.http_server import Answer, serving
from winback.providers.errors import ProviderMisconfigured
from winback.providers.public_addresses import is_public, public_only

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "fc00::1", "fd12:3456::1",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1", "5f00::1", "localhost", "", "1.2.3",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "192.167.1.1", "2606:4700::1111"]
Resolve = Callable[[str, Any], list[Any]]


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """A name server that answers so, one after the other; what it was asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in (left.pop(0) if left else [])]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "localhost.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
        "[::ffff:127.0.0.1]",
    ],
)  # fmt: skip
def test_nothing_private_is_reached_however_it_is_written(host: str) -> None:
    with serving(lambda _: Answer(200)) as server:
        port = server.url.rsplit(":", 1)[1]

        with (
            public_only(requests.Session()) as session,
            pytest.raises((ProviderMisconfigured, requests.RequestException)),
        ):
            session.get(f"http://{host}:{port}/")

        assert server.requests == []


def test_a_name_with_a_public_and_a_private_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])

    with public_only(requests.Session()) as session, pytest.raises(ProviderMisconfigured):
        session.get("http://sms.example.com/", timeout=1)


def test_a_name_is_asked_once_so_that_it_cannot_change_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    connected: list[str] = []

    def connect(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        connected.append(address[0])
        raise OSError("no network in tests")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)

    with public_only(requests.Session()) as session, pytest.raises(requests.ConnectionError):
        session.get("http://sms.example.com/", timeout=1)

    assert asked == ["sms.example.com"]
    assert connected == ["8.8.8.8"]


def test_a_redirect_into_a_private_network_is_not_followed(settings: Settings) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True
    with (
        serving(lambda _: Answer(200)) as inside,
        serving(lambda _: Answer(302, headers={"Location": inside.url})) as outside,
        public_only(requests.Session()) as session,
    ):
        with pytest.raises(requests.TooManyRedirects):
            session.get(outside.url)

        assert inside.requests == []


def test_a_proxy_of_the_environment_is_no_way_around(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Answer(200)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)

        with public_only(requests.Session()) as session, pytest.raises(ProviderMisconfigured):
            session.get("http://10.0.0.1/", timeout=1)

        assert proxy.requests == []


def test_whoever_runs_the_installation_can_allow_it(settings: Settings) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True

    with serving(lambda _: Answer(200)) as server, public_only(requests.Session()) as session:
        assert session.get(server.url).status_code == 200
