"""Postmark through django-anymail, against a local server that speaks Postmark's published API."""

from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

import pytest

from tests.providers.email.contract import ONE_CLICK, EmailProviderContract, FailingContract, Received, email
from tests.providers.email.postmark_account import SERVER, STREAM, TOKEN, Postmark, connect, error, sending
from tests.providers.hearing import Hearing
from tests.providers.http_server import Answer, HttpServer, serving
from tests.providers.ports import free_port
from winback.providers.email.base import EmailProvider
from winback.providers.errors import ProviderMisconfigured


@pytest.fixture
def account() -> Postmark:
    return Postmark()


class TestPostmark(EmailProviderContract, FailingContract):
    @pytest.fixture
    def provider(self, server: HttpServer) -> EmailProvider:
        self.server = server
        return connect(server.url)

    @pytest.fixture
    def down(self) -> EmailProvider:
        return connect(f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[Received]:
        return [_received(request.json()) for request in self.server.requests if request.method == "POST"]


def _received(sent: dict[str, Any]) -> Received:
    return Received(
        reference=sent["Metadata"]["winback"],
        sender=parseaddr(sent["From"]),
        recipient=parseaddr(sent["To"]),
        reply_to=sent["ReplyTo"],
        subject=sent["Subject"],
        text=sent["TextBody"],
        html=sent["HtmlBody"],
        headers={header["Name"]: header["Value"] for header in sent["Headers"]},
    )


def test_asks_as_postmarks_documentation_says(server: HttpServer) -> None:
    sending(server, 1)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/email")
    assert request.headers["X-Postmark-Server-Token"] == TOKEN
    assert request.headers["Content-Type"] == "application/json"
    sent = request.json()
    headers = {header["Name"]: header["Value"] for header in sent["Headers"]}
    assert headers == {**ONE_CLICK, "Message-ID": "<ref-1@oak.example.com>", "X-PM-KeepID": "true"}
    assert sent["MessageStream"] == "broadcast"
    assert sent["Metadata"] == {"winback": "ref-1"}
    assert sent["TrackOpens"] is False
    assert sent["TrackLinks"] == "None"
    assert TOKEN not in request.body.decode()


def test_uses_the_stream_of_the_connection(server: HttpServer) -> None:
    sending(server, 1, stream="win-back")

    assert server.requests[0].json()["MessageStream"] == "win-back"


def test_keeps_one_connection_over_the_batch(server: HttpServer) -> None:
    sending(server, 1, 2, 3)

    assert len({request.connection for request in server.requests}) == 1


def test_two_connections_use_their_own_tokens(account: Postmark, server: HttpServer, settings: Any) -> None:
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "somebody else's"}

    with connect(server.url) as mine, connect(server.url, token="another") as other:
        mine.send([email(1)], Hearing())
        with pytest.raises(ProviderMisconfigured):
            other.send([email(2)], Hearing())

    assert [request.headers["X-Postmark-Server-Token"] for request in server.requests] == [TOKEN, "another"]


def test_keeps_the_services_id(server: HttpServer) -> None:
    hearing, _ = sending(server, 1)

    assert ("handed_over", "ref-1", "id-of-ref-1") in hearing.heard


class TestProbe:
    def test_asks_for_the_server_and_its_stream(self, server: HttpServer) -> None:
        result = connect(server.url).probe()

        assert (result.ok, result.detail) == (True, "Postmark server Oak answers, stream broadcast.")
        assert [request.path for request in server.requests] == ["/server", "/message-streams/broadcast"]

    def test_a_wrong_token_is_for_a_person_to_mend(self, server: HttpServer) -> None:
        result = connect(server.url, token="wrong").probe()

        assert (result.ok, result.code) == (False, "misconfigured")
        assert "invalid" in result.detail
        assert "wrong" not in result.detail

    def test_a_transactional_stream_will_not_do(self, account: Postmark, server: HttpServer) -> None:
        account.stream = Answer(200, {**STREAM, "MessageStreamType": "Transactional"})

        result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "misconfigured")
        assert "broadcast stream" in result.detail

    def test_an_archived_or_missing_stream_will_not_do(self, account: Postmark, server: HttpServer) -> None:
        for stream in (Answer(200, {**STREAM, "ArchivedAt": "2026-01-01T00:00:00Z"}), error(1226, "Not found.")):
            account.stream = stream

            assert connect(server.url).probe().code == "misconfigured"

    def test_says_that_a_sandbox_server_delivers_nothing(self, account: Postmark, server: HttpServer) -> None:
        account.server = Answer(200, {**SERVER, "DeliveryType": "Sandbox"})

        result = connect(server.url).probe()

        assert result.ok
        assert "sandbox" in result.detail

    @pytest.mark.parametrize(
        "answer", [Answer(503), Answer(429), Answer(200, b"<html>"), Answer(hang=3), Answer(cut=True)]
    )
    def test_a_bad_minute_is_no_wrong_setting(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server:
            result = connect(server.url, timeout_seconds=answer.patience).probe()

        assert (result.ok, result.code) == (False, "does_not_answer")


def test_finds_a_message_by_our_reference(account: Postmark, server: HttpServer) -> None:
    provider = connect(server.url)

    account.found = 1
    assert provider.look_up("ref-1") is True
    assert server.requests[-1].query["metadata_winback"] == "ref-1"
    assert server.requests[-1].query["messagestream"] == "broadcast"
    account.found = 0
    assert provider.look_up("ref-1") is None, "its index lags: nothing found is no proof"
