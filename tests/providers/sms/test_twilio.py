"""Twilio by its official client, against a local server that speaks the Messages API."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.providers.hearing import Hearing
from tests.providers.http_server import Answer, HttpServer, serving
from tests.providers.ports import free_port
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from tests.providers.sms.twilio_account import ACCOUNT, CREDENTIALS, Twilio, connect, sending, signed_in_as
from winback.providers.errors import ProviderMisconfigured
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider


@pytest.fixture
def account() -> Twilio:
    return Twilio()


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
    assert signed_in_as(first) == f"{ACCOUNT}:hunter2"
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

    assert signed_in_as(server.requests[0]) == "SK1:secret"
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
    assert signed_in_as(server.requests[0]) == f"{ACCOUNT}:hunter2"


def test_keeps_one_connection_over_the_batch(server: HttpServer) -> None:
    sending(server, 1, 2, 3)

    assert len({request.connection for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"account_sid": ""}, "Account SID"),
        ({"auth_token": ""}, "auth token"),
        ({"messaging_service_sid": ""}, "sender number"),
    ],
)
def test_a_missing_field_is_named(server: HttpServer, changes: dict[str, Any], says: str) -> None:
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

    def test_a_suspended_account_is_for_a_person_to_mend(self, account: Twilio, server: HttpServer) -> None:
        account.status = "suspended"

        result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "misconfigured")
        assert "suspended" in result.detail

    def test_says_that_a_trial_account_writes_to_few(self, account: Twilio, server: HttpServer) -> None:
        account.type = "Trial"

        assert "verified numbers only" in connect(server.url).probe().detail

    @pytest.mark.parametrize("answer", [Answer(503, b"busy"), Answer(429), Answer(cut=True), Answer(200, b"<html>")])
    def test_a_bad_minute_is_no_wrong_setting(self, answer: Answer) -> None:
        with serving(lambda _: answer) as server:
            result = connect(server.url).probe()

        assert (result.ok, result.code) == (False, "does_not_answer")
