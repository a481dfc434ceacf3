"""SMTP against a server that others wrote (aiosmtpd): plain, pipelining, STARTTLS with sign-in, TLS from the start."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.providers.certificate import make_certificate, server_context
from tests.providers.email.contract import EmailProviderContract, FailingContract, Received, email
from tests.providers.email.parsed import received
from tests.providers.hearing import Hearing
from tests.providers.ports import free_port
from winback.providers.email.base import EmailProvider
from winback.providers.email.smtp import SmtpProvider
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble


class Sink:
    """Keeps what aiosmtpd received; offers PIPELINING when it is told to."""

    def __init__(self, *, pipelining: bool = False) -> None:
        self.pipelining = pipelining
        self.received: list[bytes] = []

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], *(["250-PIPELINING"] if self.pipelining else []), responses[-1]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.received.append(envelope.content)
        return "250 2.0.0 queued"


def sign_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"oak", b"hunter2")
    return AuthResult(success=right, handled=right)


@contextmanager
def sink_server(sink: Sink, **options: Any) -> Iterator[int]:
    controller = Controller(sink, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


class SmtpContract(EmailProviderContract, FailingContract):
    sink: Sink

    def received(self) -> Sequence[Received]:
        return [received(content) for content in self.sink.received]

    @pytest.fixture
    def down(self) -> EmailProvider:
        return SmtpProvider({}, {"host": "127.0.0.1", "port": free_port(), "security": "none"})


class TestPlain(SmtpContract):
    @pytest.fixture
    def provider(self) -> Iterator[EmailProvider]:
        self.sink = Sink()
        with sink_server(self.sink) as port:
            yield SmtpProvider({}, {"host": "127.0.0.1", "port": port, "security": "none"})


class TestPipelining(SmtpContract):
    @pytest.fixture
    def provider(self) -> Iterator[EmailProvider]:
        self.sink = Sink(pipelining=True)
        with sink_server(self.sink) as port:
            yield SmtpProvider({}, {"host": "127.0.0.1", "port": port, "security": "none"})


class TestStarttls(SmtpContract):
    @pytest.fixture
    def provider(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmailProvider]:
        self.sink = Sink(pipelining=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        options = {"tls_context": server_context(certificate), "require_starttls": True}
        with sink_server(self.sink, authenticator=sign_in, auth_required=True, **options) as port:
            self.port = port
            yield SmtpProvider({"username": "oak", "password": "hunter2"}, {"host": "localhost", "port": port})

    def test_a_wrong_password_is_for_a_person_to_mend(self, provider: EmailProvider) -> None:
        wrong = SmtpProvider({"username": "oak", "password": "hunter3"}, provider.settings)
        hearing = Hearing()

        with pytest.raises(ProviderMisconfigured, match="password"):
            wrong.send([email()], hearing)

        assert hearing.heard == []
        assert wrong.probe().code == "misconfigured"
        assert "hunter3" not in wrong.probe().detail

    def test_a_probe_says_what_it_looked_at(self, provider: EmailProvider) -> None:
        assert provider.probe().checked == ("connection", "encryption", "sign-in")

    def test_an_unknown_certificate_is_refused(self, provider: EmailProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")

        with pytest.raises(ProviderMisconfigured, match="certificate"):
            provider.send([email()], Hearing())

    def test_a_certificate_for_another_host_is_refused(
        self, provider: EmailProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = SmtpProvider({}, {"host": "ip6-localhost", "port": self.port})
        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda *told, **named: real("127.0.0.1", *told[1:], **named))

        with pytest.raises(ProviderMisconfigured, match="certificate"):
            elsewhere.send([email()], Hearing())


class TestTlsFromTheStart(SmtpContract):
    @pytest.fixture
    def provider(self, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmailProvider]:
        self.sink = Sink()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with sink_server(self.sink, ssl_context=server_context(certificate)) as port:
            yield SmtpProvider({}, {"host": "localhost", "port": port, "security": "tls"})

    def test_starttls_on_a_tls_port_is_trouble_not_silence(self, provider: EmailProvider) -> None:
        settings = {**provider.settings, "security": "starttls", "timeout_seconds": 1}

        with pytest.raises(ProviderTrouble):
            SmtpProvider({}, settings).send([email()], Hearing())


def test_starttls_is_not_optional() -> None:
    with sink_server(Sink()) as port:
        provider = SmtpProvider({}, {"host": "127.0.0.1", "port": port})

        with pytest.raises(ProviderMisconfigured, match="STARTTLS"):
            provider.send([email()], Hearing())


def test_tls_on_a_plain_port_is_for_a_person_to_mend() -> None:
    with sink_server(Sink()) as port:
        provider = SmtpProvider({}, {"host": "127.0.0.1", "port": port, "security": "tls"})

        with pytest.raises(ProviderMisconfigured, match="STARTTLS port"):
            provider.send([email()], Hearing())


def test_a_password_never_travels_in_clear() -> None:
    credentials = {"username": "oak", "password": "hunter2"}
    provider = SmtpProvider(credentials, {"host": "mail.example.com", "security": "none"})

    with pytest.raises(ProviderMisconfigured, match="over TLS only"):
        provider.send([email()], Hearing())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "Host"),
        ({"host": "mail.example.com", "security": "ssl3"}, "Security"),
        ({"host": "mail.example.com", "port": "smtp"}, "port"),
    ],
)
def test_a_wrong_form_is_named(settings: dict[str, object], says: str) -> None:
    result = SmtpProvider({}, settings).probe()

    assert (result.ok, result.code) == (False, "misconfigured")
    assert says in result.detail


def test_a_host_that_does_not_exist_is_trouble() -> None:
    provider = SmtpProvider({}, {"host": "mail.invalid", "security": "none"})

    with pytest.raises(ProviderTrouble, match="does not answer"):
        provider.send([email()], Hearing())
