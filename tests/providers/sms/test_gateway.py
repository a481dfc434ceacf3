"""Any gateway by configuration: what it is sent, and what its answers mean."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider
from winback.providers.sms.gateway_template import filled

BODY = '{"message": {"recipients": ["{to}"], "sender": "{from}", "content": "{text}"}, "ref": "{reference}"}'
URL = "https://book.example.com/hooks/gateway/abc/"


@pytest.fixture(autouse=True)
def _private(settings: Settings) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True


class Gateway:
    def __init__(self) -> None:
        self.script: list[Answer] = []

    def __call__(self, request: Request) -> Answer:
        if request.method == "HEAD":
            return Answer(404)
        return self.script.pop(0) if self.script else Answer(201, {"data": [{"id": f"m-{request.json()['ref']}"}]})


def connect(server_url: str, /, *, credentials: dict[str, str] | None = None, **settings: Any) -> SmsProvider:
    told = {"url": f"{server_url}/v1/send", "body": BODY, "id_pointer": "/data/0/id", "from_number": "+15005550006",
            "timeout_seconds": PATIENCE}  # fmt: skip
    return sms_provider("gateway", credentials or {}, told | settings)


@pytest.fixture
def account() -> Gateway:
    return Gateway()


def sending(server: HttpServer, *numbers: int, **settings: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(server.url, **settings), [text(number) for number in numbers])


class TestGateway(SmsProviderContract, FailingSmsContract):
    @pytest.fixture
    def provider(self, server: HttpServer) -> SmsProvider:
        self.server = server
        return connect(server.url)

    @pytest.fixture
    def down(self) -> SmsProvider:
        return connect(f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[tuple[str, str]]:
        sent = [request.json()["message"] for request in self.server.requests if request.method == "POST"]
        return [(each["recipients"][0], each["content"]) for each in sent]


def test_says_what_the_template_says(server: HttpServer) -> None:
    hearing, _ = sending(
        server, 1, credentials={"secret": "hunter2", "headers": '{"X-Account": "oak"}'}, auth="bearer", method="PUT",
        webhook_url=URL, body='{"to": "{to}", "hook": "{callback}", "ref": "{reference}", "n": 1, "x": [true, null]}',
    )  # fmt: skip

    (request,) = server.requests
    assert (request.method, request.path) == ("PUT", "/v1/send")
    assert request.headers["Authorization"] == "Bearer hunter2"
    assert request.headers["X-Account"] == "oak"
    assert request.json() == {
        "to": "+14155550101", "hook": f"{URL}?reference=ref-1", "ref": "ref-1", "n": 1, "x": [True, None],
    }  # fmt: skip
    assert ("handed_over", "ref-1", "m-ref-1") in hearing.heard


@pytest.mark.parametrize(
    ("told", "header", "value"),
    [
        ({"auth": "basic", "username": "oak"}, "Authorization", "Basic " + base64.b64encode(b"oak:hunter2").decode()),
        ({"auth": "header", "auth_header": "X-Key"}, "X-Key", "hunter2"),
    ],
)
def test_signs_in_as_it_is_told(server: HttpServer, told: dict[str, str], header: str, value: str) -> None:
    sending(server, 1, credentials={"secret": "hunter2"}, **told)

    assert server.requests[0].headers[header] == value


def test_a_form_and_a_query_are_written_as_such() -> None:
    with serving(lambda _: Answer(200)) as server:
        told = {"body": '{"to": "{to}", "msg": "{text}"}', "id_pointer": ""}
        sending(server, 1, body_format="form", **told)
        sending(server, 1, body_format="query", method="GET", **told)

    posted, got = server.requests
    assert posted.form() == {"to": "+14155550101", "msg": text().body}
    assert got.query == {"to": "+14155550101", "msg": text().body}


def test_a_value_in_the_address_is_one_part_of_it() -> None:
    with serving(lambda _: Answer(200)) as server:
        sending(server, 1, url=f"{server.url}/send/{{to}}/{{reference}}?x=1", id_pointer="")

    assert server.requests[0].path == "/send/%2B14155550101/ref-1"


@given(value=st.text(max_size=60))
def test_a_value_is_never_a_part_of_the_document(value: str) -> None:
    template = json.loads(BODY)

    written = json.loads(json.dumps(filled(template, {"to": value, "from": "x", "text": value, "reference": "r"})))

    assert written == {"message": {"recipients": [value], "sender": "x", "content": value}, "ref": "r"}


@pytest.mark.parametrize(
    ("answer", "told", "became", "error"),
    [
        (Answer(422, {}), {"refused_statuses": "422"}, ["refused", "handed_over"], None),
        (Answer(400, {}), {}, ["deferred", "handed_over"], None),
        (Answer(429, {}), {}, ["not_left", "untouched"], ProviderTrouble),
        (Answer(503, {}), {"trouble_statuses": "429,503"}, ["not_left", "untouched"], ProviderTrouble),
        (Answer(503, {}), {}, ["unknown", "untouched"], OutcomeUnknown),
        (Answer(401, {}), {}, ["not_left", "untouched"], ProviderMisconfigured),
        (Answer(403, {}), {}, ["not_left", "untouched"], ProviderMisconfigured),
        (Answer(404, {}), {}, ["not_left", "untouched"], ProviderMisconfigured),
        (Answer(200, b"<html>busy</html>"), {}, ["unknown", "untouched"], OutcomeUnknown),
        (Answer(200, {"data": []}), {}, ["unknown", "untouched"], OutcomeUnknown),
        (Answer(200, {"error": "no credit"}), {"error_pointer": "/error"}, ["deferred", "handed_over"], None),
        (Answer(204), {"accepted_statuses": "200,201"}, ["unknown", "untouched"], OutcomeUnknown),
        (Answer(hang=3), {}, ["unknown", "untouched"], OutcomeUnknown),
        (Answer(cut=True), {}, ["unknown", "untouched"], OutcomeUnknown),
    ],
    ids=[
        "refused", "doubt", "429", "named trouble", "503", "401", "403", "404", "no JSON", "no id", "error in 200",
        "not accepted", "silence", "cut",
    ],
)  # fmt: skip
def test_the_answer_decides(
    account: Gateway,
    server: HttpServer,
    answer: Answer,
    told: dict[str, Any],
    became: list[str],
    error: type[Exception] | None,
) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2, timeout_seconds=answer.patience, **told)

    assert hearing.became(1, 2) == became
    assert (type(trouble) if trouble else None) is error


def test_a_no_that_goes_on_is_the_connections_trouble(account: Gateway, server: HttpServer) -> None:
    account.script = [Answer(400, {})] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]


def test_a_redirect_is_not_followed_with_the_key(account: Gateway, server: HttpServer) -> None:
    with serving(lambda _: Answer(201, {})) as elsewhere:
        account.script = [Answer(307, {}, {"Location": elsewhere.url})]

        hearing, trouble = sending(server, 1, credentials={"secret": "hunter2"}, auth="bearer")

        assert elsewhere.requests == []
    assert hearing.of("ref-1") == "not_left"
    assert isinstance(trouble, ProviderTrouble)


def test_a_private_network_is_not_called(server: HttpServer, settings: Settings) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = False

    hearing, trouble = sending(server, 1, 2)
    probed = connect(server.url).probe()

    assert isinstance(trouble, ProviderMisconfigured)
    assert hearing.became(1, 2) == ["not_left", "untouched"]
    assert (probed.ok, probed.code) == (False, "misconfigured")
    assert server.requests == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"url": "sms.example.com/send"}, "address"),
        ({"url": "ftp://sms.example.com/"}, "address"),
        ({"url": "https://{to}.example.com/"}, "address"),
        ({"body": "{to}"}, "not JSON"),
        ({"body": '{"to": "{phone}"}'}, "{phone}"),
        ({"body": '["{to}"]', "body_format": "form"}, "form"),
        ({"credentials": {"headers": "[]"}}, "headers"),
        ({"credentials": {"headers": '{"X": "a\\r\\nY: b"}'}}, "line break"),
        ({"headers": '{"X-API-Key": "hunter2"}'}, "give them anew"),
        ({"url": "https://[sms/"}, "address"),
        ({"body": '{"token": "{secret}"}'}, "secret is missing"),
        ({"auth": "bearer"}, "secret"),
        ({"accepted_statuses": "OK"}, "200-299"),
        ({"method": "DELETE"}, "Method"),
        ({"url": ""}, "Address"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_leaves(server: HttpServer, told: dict[str, Any], says: str) -> None:
    hearing, trouble = sending(server, 1, **told)
    probed = connect(server.url, **told).probe()

    assert isinstance(trouble, ProviderMisconfigured)
    assert says in str(trouble)
    assert hearing.heard == []
    assert (probed.ok, probed.code) == (False, "misconfigured")


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"url": "https://oak:hunter2@sms.example.com/"}, "User name"),
        ({"url": "https://sms.example.com/send?apikey=hunter2"}, "apikey"),
        ({"url": "https://sms.example.com/send?user=oak&access_token=hunter2"}, "access_token"),
        ({"body": '{"to": "{to}", "key": "hunter2"}'}, "key"),
        ({"body": '{"to": "{to}", "auth": {"API-Key": "hunter2"}}'}, "API-Key"),
        ({"body": '{"messages": [{"to": "{to}", "password": "hunter2"}]}'}, "password"),
        ({"body": '{"to": "{to}", "secret": "hunter2"'}, "not JSON"),
        ({"credentials": {"headers": '{"X-API-Key": "hunter2"'}}, "not JSON"),
    ],
)
def test_a_key_in_the_open_is_refused_and_not_quoted(told: dict[str, Any], where: str) -> None:
    provider = connect("https://sms.example.com", **told)

    with pytest.raises(ProviderMisconfigured, match=where) as refused:
        provider.check_told()

    assert "hunter2" not in str(refused.value) + provider.probe().detail


@pytest.mark.parametrize(
    "body",
    [
        '{"to": "{to}", "routing_key": "fast", "idempotency_key": "{reference}", "username": "oak"}',
        '{"to": "{to}", "data": [{"key": "campaign", "value": "winter"}], "token": "", "passes": 2}',
    ],
)
def test_what_is_no_key_may_stand_in_the_body(body: str) -> None:
    connect("https://sms.example.com", body=body).check_told()


def test_a_key_goes_where_its_place_is(server: HttpServer) -> None:
    told = {"body": '{"to": "{to}", "msg": "{text}", "apikey": "{secret}", "ref": "{reference}"}'}
    sending(server, 1, credentials={"secret": "hunter2&"}, url=f"{server.url}/send?token={{secret}}", **told)

    (request,) = server.requests
    assert (request.json()["apikey"], request.query) == ("hunter2&", {"token": "hunter2&"})
