"""Postmark through django-anymail, against a local server that speaks Postmark's published API."""

from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from typing import Any

import pytest

from tests.providers.email.contract import ONE_CLICK, EmailProviderContract, FailingContract, Received, email
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from winback.providers.email.base import EmailProvider
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.registry import email_provider

TOKEN = "11111111-2222-3333-4444-555555555555"
SERVER = {"ID": 1, "Name": "Oak", "DeliveryType": "Live", "Color": "Green"}
STREAM = {"ID": "broadcast", "ServerID": 1, "MessageStreamType": "Broadcasts", "ArchivedAt": None}


class Postmark:
    """The account on the other side: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.server: Answer = Answer(200, SERVER)
        self.stream: Answer = Answer(200, STREAM)
        self.found = 0

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("X-Postmark-Server-Token") != TOKEN:
            return error(10, "The Server Token you provided in the X-Postmark-Server-Token is invalid.", status=401)
        if request.method == "GET":
            if request.path == "/server":
                return self.server
            if request.path == "/messages/outbound":
                return Answer(200, {"TotalCount": self.found, "Messages": []})
            return self.stream
        if self.script:
            return self.script.pop(0)
        sent = request.json()
        return Answer(
            200,
            {
                "To": sent["To"],
                "SubmittedAt": "2026-09-30T12:00:00.0000000-05:00",
                "MessageID": f"id-of-{sent['Metadata']['winback']}",
                "ErrorCode": 0,
                "Message": "OK",
            },
        )


def error(code: int, message: str, *, status: int = 422, **headers: str) -> Answer:
    return Answer(status, {"ErrorCode": code, "Message": message}, headers)


def connect(url: str, token: str = TOKEN, **settings: Any) -> EmailProvider:
    return email_provider(
        "postmark", {"server_token": token}, {"api_url": url, "timeout_seconds": 1, "batch_size": 1, **settings}
    )


@pytest.fixture
def postmark() -> Postmark:
    return Postmark()


@pytest.fixture
def server(postmark: Postmark) -> Iterator[HttpServer]:
    with serving(postmark) as running:
        yield running


def sending(server: HttpServer, *numbers: int, **told: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(server.url, **told), [email(number) for number in numbers])


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


def test_two_connections_use_their_own_tokens(postmark: Postmark, server: HttpServer, settings: Any) -> None:
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "somebody else's"}

    with connect(server.url) as mine, connect(server.url, token="another") as other:
        mine.send([email(1)], Hearing())
        with pytest.raises(ProviderMisconfigured):
            other.send([email(2)], Hearing())

    assert [request.headers["X-Postmark-Server-Token"] for request in server.requests] == [TOKEN, "another"]


def test_keeps_the_services_id(server: HttpServer) -> None:
    hearing, _ = sending(server, 1)

    assert ("handed_over", "ref-1", "id-of-ref-1") in hearing.heard


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            error(
                406,
                "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses:"
                " ana1@example.org. Inactive recipients are ones that have generated a hard bounce or a spam"
                " complaint.",
            ),
            "suppressed_at_provider",
        ),
        (error(300, "Invalid 'To' address: 'ana1@example.org'."), "address_unusable"),
        (error(300, "Error parsing 'To': Illegal email domain 'x' in address 'ana1@example.org'."), "address_unusable"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(
    postmark: Postmark, server: HttpServer, answer: Answer, code: str
) -> None:
    postmark.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == code
    assert "ana1" not in hearing.detail_of("ref-1")


@pytest.mark.parametrize(
    ("answer", "error_type"),
    [
        (error(10, "Bad or missing Server API token.", status=401), ProviderMisconfigured),
        (error(400, "The 'From' address you supplied is not a Sender Signature."), ProviderMisconfigured),
        (error(412, "Your account is pending approval."), ProviderMisconfigured),
        (error(405, "Not allowed to send: out of credits."), ProviderMisconfigured),
        (error(1235, "The stream does not exist."), ProviderMisconfigured),
        (error(429, "Rate limit exceeded.", status=429), ProviderTrouble),
    ],
)
def test_the_accounts_trouble_uses_up_nobody(
    postmark: Postmark, server: HttpServer, answer: Answer, error_type: type[Exception]
) -> None:
    postmark.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is error_type
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert len(server.requests) == 1


def test_says_how_long_the_service_wants_to_rest(postmark: Postmark, server: HttpServer) -> None:
    postmark.script = [error(429, "Rate limit exceeded.", status=429, **{"Retry-After": "30"})]

    _, trouble = sending(server, 1)

    assert isinstance(trouble, ProviderTrouble)
    assert trouble.retry_after_seconds == 30


@pytest.mark.parametrize(
    "answer",
    [
        Answer(hang=3),
        Answer(cut=True),
        Answer(500, {"ErrorCode": 500, "Message": "oops"}),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(200, b"<html>maintenance</html>"),
        Answer(200, {"surprise": True}),
    ],
    ids=["silence", "cut", "500", "502", "no JSON", "other JSON"],
)
def test_what_may_have_arrived_is_unknown(postmark: Postmark, server: HttpServer, answer: Answer) -> None:
    postmark.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


def test_a_redirect_is_not_followed_with_the_token(postmark: Postmark, server: HttpServer) -> None:
    with serving(lambda _: Answer(200, {})) as elsewhere:
        postmark.script = [Answer(307, {}, {"Location": f"{elsewhere.url}/email"})]

        hearing, trouble = sending(server, 1)

        assert type(trouble) is ProviderTrouble
        assert hearing.became(1) == ["not_left"]
        assert elsewhere.requests == []


def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(postmark: Postmark, server: HttpServer) -> None:
    postmark.script = [error(9999, "Something new about ana1@example.org.")] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert "ana1" not in str(trouble)


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

    def test_a_transactional_stream_will_not_do(self, postmark: Postmark, server: HttpServer) -> None:
        postmark.stream = Answer(200, {**STREAM, "MessageStreamType": "Transactional"})

        result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "misconfigured")
        assert "broadcast stream" in result.detail

    def test_an_archived_or_missing_stream_will_not_do(self, postmark: Postmark, server: HttpServer) -> None:
        for stream in (Answer(200, {**STREAM, "ArchivedAt": "2026-01-01T00:00:00Z"}), error(1226, "Not found.")):
            postmark.stream = stream

            assert connect(server.url).probe().code == "misconfigured"

    def test_says_that_a_sandbox_server_delivers_nothing(self, postmark: Postmark, server: HttpServer) -> None:
        postmark.server = Answer(200, {**SERVER, "DeliveryType": "Sandbox"})

        result = connect(server.url).probe()

        assert result.ok
        assert "sandbox" in result.detail

    @pytest.mark.parametrize(
        "answer", [Answer(503), Answer(429), Answer(200, b"<html>"), Answer(hang=3), Answer(cut=True)]
    )
    def test_a_bad_minute_is_no_wrong_setting(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server:
            result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "does_not_answer")


def test_finds_a_message_by_our_reference(postmark: Postmark, server: HttpServer) -> None:
    provider = connect(server.url)

    postmark.found = 1
    assert provider.look_up("ref-1") is True
    assert server.requests[-1].query["metadata_winback"] == "ref-1"
    assert server.requests[-1].query["messagestream"] == "broadcast"
    postmark.found = 0
    assert provider.look_up("ref-1") is None, "its index lags: nothing found is no proof"
