"""Twilio by its official client, against a local server that speaks the Messages API."""

import base64
from collections.abc import Iterator, Sequence

import pytest

from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider
from winback.providers.sms.twilio_errors import TWILIO_ERRORS, About

ACCOUNT = "AC00000000000000000000000000000001"
SERVICE = "MG00000000000000000000000000000001"
CREDENTIALS = {"account_sid": ACCOUNT, "auth_token": "hunter2", "messaging_service_sid": SERVICE}


class Twilio:
    """The account on the other side."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.status = "active"
        self.type = "Full"

    def __call__(self, request: Request) -> Answer:
        if request.method == "GET":
            assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}.json"
            if "hunter2" not in _signed_in_as(request):
                return error(401, 20003, "Authenticate")
            return Answer(200, {"sid": ACCOUNT, "status": self.status, "type": self.type, "friendly_name": "Oak"})
        if self.script:
            return self.script.pop(0)
        sent = request.form()
        return Answer(
            201,
            {
                "sid": "SM" + "0" * 31 + sent["To"][-1],
                "status": "accepted",
                "to": sent["To"],
                "body": sent["Body"],
                "num_segments": "0",
                "date_created": "Wed, 30 Sep 2026 17:00:00 +0000",
            },
        )


def _signed_in_as(request: Request) -> str:
    return base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()


def error(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "more_info": "https://…", "status": status})


def connect(url: str, **credentials: str) -> SmsProvider:
    return sms_provider("twilio", {**CREDENTIALS, **credentials}, {"base_url": url, "timeout_seconds": 1})


@pytest.fixture
def twilio() -> Twilio:
    return Twilio()


@pytest.fixture
def server(twilio: Twilio) -> Iterator[HttpServer]:
    with serving(twilio) as running:
        yield running


def sending(server: HttpServer, *numbers: int, **credentials: str) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(server.url, **credentials), [text(number) for number in numbers])


class TestTwilio(SmsProviderContract, FailingSmsContract):
    @pytest.fixture
    def provider(self, server: HttpServer) -> SmsProvider:
        self.server = server
        return connect(server.url)

    @pytest.fixture
    def down(self) -> SmsProvider:
        return connect(f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[tuple[str, str]]:
        forms = [request.form() for request in self.server.requests if request.method == "POST"]
        return [(form["To"], form["Body"]) for form in forms]


def test_asks_as_twilios_documentation_says(server: HttpServer) -> None:
    hearing = Hearing()

    with connect(server.url) as provider:
        callback = "https://book.example.com/hooks/twilio/token/?ref=ref-1"
        provider.send([text(1, callback_url=callback), text(2)], hearing)

    first, second = server.requests
    assert first.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert _signed_in_as(first) == f"{ACCOUNT}:hunter2"
    assert first.form() == {
        "To": "+14155550101",
        "Body": text().body,
        "MessagingServiceSid": CREDENTIALS["messaging_service_sid"],
        "StatusCallback": callback,
    }
    assert "StatusCallback" not in second.form(), "the one of the first is not the second's"
    assert ("handed_over", "ref-1", "SM" + "0" * 31 + "1") in hearing.heard


def test_asks_for_reports_at_the_webhook_of_the_connection_that_name_the_text(server: HttpServer) -> None:
    settings = {"base_url": server.url, "webhook_url": "https://book.example.com/hooks/twilio/token/"}
    local = settings | {"webhook_url": "http://127.0.0.1:8000/hooks/twilio/token/"}

    for told in (settings, local):
        with sms_provider("twilio", CREDENTIALS, told) as provider:
            provider.send([text(1)], Hearing())

    first, second = (request.form() for request in server.requests)
    assert first["StatusCallback"] == "https://book.example.com/hooks/twilio/token/?reference=ref-1"
    assert "StatusCallback" not in second, "Twilio refuses texts whose callback it cannot reach"


def test_sends_from_a_number_where_there_is_no_messaging_service(server: HttpServer) -> None:
    sending(server, 1, messaging_service_sid="", from_number="+15005550006")

    form = server.requests[0].form()
    assert form["From"] == "+15005550006"
    assert "MessagingServiceSid" not in form


def test_signs_in_with_an_api_key(server: HttpServer) -> None:
    sending(server, 1, auth_token="", api_key="SK1", api_secret="secret")

    assert _signed_in_as(server.requests[0]) == "SK1:secret"
    assert ACCOUNT in server.requests[0].path


def test_takes_nothing_from_the_process(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "somebody else's")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "somebody else")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")

    hearing, _ = sending(server, 1)
    _, trouble = sending(server, 2, auth_token="")

    assert hearing.of("ref-1") == "handed_over"
    assert isinstance(trouble, ProviderMisconfigured)
    assert _signed_in_as(server.requests[0]) == f"{ACCOUNT}:hunter2"


def test_keeps_one_connection_over_the_batch(server: HttpServer) -> None:
    sending(server, 1, 2, 3)

    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21610, "opted_out_at_provider"),
        (21211, "number_invalid"),
        (21614, "number_not_mobile"),
        (21408, "region_not_enabled"),
        (21612, "number_unreachable"),
        (30003, "number_unreachable"),
        (30005, "number_unknown"),
        (30006, "number_landline"),
        (30004, "blocked_by_carrier"),
        (21617, "content_refused"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(twilio: Twilio, server: HttpServer, code: int, reason: str) -> None:
    twilio.script = [error(400, code, "The number +14155550101 cannot be written to")]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == reason
    assert "4155550101" not in hearing.detail_of("ref-1")


@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        (401, 20003, ProviderMisconfigured),
        (404, 20404, ProviderMisconfigured),
        (400, 21606, ProviderMisconfigured),
        (400, 21703, ProviderMisconfigured),
        (400, 30034, ProviderMisconfigured),
        (400, 30032, ProviderMisconfigured),
        (400, 30007, ProviderMisconfigured),
        (403, 0, ProviderMisconfigured),
        (429, 20429, ProviderTrouble),
        (429, 0, ProviderTrouble),
        (400, 21611, ProviderTrouble),
    ],
)
def test_the_accounts_trouble_uses_up_nobody(
    twilio: Twilio, server: HttpServer, status: int, code: int, error_type: type[Exception]
) -> None:
    twilio.script = [error(status, code, "No")]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is error_type
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(hang=3),
        Answer(cut=True),
        error(500, 20500, "Internal Server Error"),
        Answer(503, b"<html>busy</html>"),
        Answer(201, b"<html>maintenance</html>"),
        Answer(201, b"[]"),
    ],
    ids=["silence", "cut", "500", "503", "no JSON", "other JSON"],
)
def test_what_may_have_arrived_is_unknown(twilio: Twilio, server: HttpServer, answer: Answer) -> None:
    twilio.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert type(trouble) is OutcomeUnknown
    assert hearing.became(1, 2) == ["unknown", "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


def test_a_redirect_is_not_followed_with_the_password(twilio: Twilio, server: HttpServer) -> None:
    with serving(lambda _: Answer(201, {})) as elsewhere:
        twilio.script = [Answer(307, {}, {"Location": f"{elsewhere.url}/Messages.json"})]

        hearing, trouble = sending(server, 1)

        assert type(trouble) is ProviderTrouble
        assert hearing.became(1) == ["not_left"]
        assert elsewhere.requests == []


def test_an_rfc_9457_problem_is_understood(twilio: Twilio, server: HttpServer) -> None:
    problem = {"type": "https://…", "title": "Opted out", "status": 400, "code": 21610, "detail": "No"}
    twilio.script = [Answer(400, problem)]

    hearing, _ = sending(server, 1)

    assert hearing.code_of("ref-1") == "opted_out_at_provider"


def test_an_error_nobody_knows_defers_one_and_stops_when_it_goes_on(twilio: Twilio, server: HttpServer) -> None:
    twilio.script = [error(400, 99999, "Something new about +14155550101")] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]
    assert "5550101" not in str(trouble)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"account_sid": ""}, "Account SID"),
        ({"auth_token": ""}, "auth token"),
        ({"messaging_service_sid": ""}, "sender number"),
    ],
)
def test_a_missing_field_is_named(server: HttpServer, changes: dict[str, str], says: str) -> None:
    hearing, trouble = sending(server, 1, **changes)
    result = connect(server.url, **changes).probe()

    assert isinstance(trouble, ProviderMisconfigured)
    assert hearing.heard == []
    assert says in str(trouble)
    assert (result.ok, result.code) == (False, "misconfigured")
    assert server.requests == []


class TestProbe:
    def test_a_wrong_token_is_for_a_person_to_mend(self, server: HttpServer) -> None:
        result = connect(server.url, auth_token="wrong").probe()

        assert (result.ok, result.code) == (False, "misconfigured")

    def test_a_suspended_account_is_for_a_person_to_mend(self, twilio: Twilio, server: HttpServer) -> None:
        twilio.status = "suspended"

        result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "misconfigured")
        assert "suspended" in result.detail

    def test_says_that_a_trial_account_writes_to_few(self, twilio: Twilio, server: HttpServer) -> None:
        twilio.type = "Trial"

        assert "verified numbers only" in connect(server.url).probe().detail

    @pytest.mark.parametrize("answer", [Answer(503, b"busy"), Answer(429), Answer(cut=True), Answer(200, b"<html>")])
    def test_a_bad_minute_is_no_wrong_setting(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server:
            result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "does_not_answer")


def test_the_table_says_of_every_code_whom_it_concerns() -> None:
    assert {about for about, _ in TWILIO_ERRORS.values()} == set(About)
