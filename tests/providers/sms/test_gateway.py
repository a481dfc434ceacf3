"""Any gateway by configuration: what it is sent, what its answers and reports mean."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.factories import NOW
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import Answer, HttpServer, Request, serving
from tests.providers.ports import free_port
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, ReportKind
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
            "timeout_seconds": 1}  # fmt: skip
    return sms_provider("gateway", credentials or {}, told | settings)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def server(gateway: Gateway) -> Iterator[HttpServer]:
    with serving(gateway) as running:
        yield running


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
        server, 1, credentials={"secret": "hunter2"}, auth="bearer", headers='{"X-Account": "oak"}', method="PUT",
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
    gateway: Gateway,
    server: HttpServer,
    answer: Answer,
    told: dict[str, Any],
    became: list[str],
    error: type[Exception] | None,
) -> None:
    gateway.script = [answer]

    hearing, trouble = sending(server, 1, 2, **told)

    assert hearing.became(1, 2) == became
    assert (type(trouble) if trouble else None) is error


def test_a_no_that_goes_on_is_the_connections_trouble(gateway: Gateway, server: HttpServer) -> None:
    gateway.script = [Answer(400, {})] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]


def test_a_redirect_is_not_followed_with_the_key(gateway: Gateway, server: HttpServer) -> None:
    with serving(lambda _: Answer(201, {})) as elsewhere:
        gateway.script = [Answer(307, {}, {"Location": elsewhere.url})]

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
        ({"headers": "[]"}, "headers"),
        ({"headers": '{"X": "a\\r\\nY: b"}'}, "line break"),
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


REPORTING = {
    "events_pointer": "/events", "status_pointer": "/state", "status_id_pointer": "/id",
    "status_error_pointer": "/code",
    "status_reference_pointer": "/ref", "dead_errors": "17, 18", "text_pointer": "/body", "text_from_pointer": "/from",
    "text_to_pointer": "/to", "text_id_pointer": "/id",
}  # fmt: skip


def reporting(secret: str = "hunter2", **settings: Any) -> SmsProvider:
    credentials = {"webhook_secret": secret, "webhook_username": "oak", "webhook_password": secret}
    return sms_provider("gateway", credentials, {"url": "https://sms.example.com/"} | REPORTING | settings)


def arrival(body: Any, **headers: str) -> Arrival:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Arrival(URL, {"content-type": "application/json"} | headers, content, NOW)


def signed(body: bytes, secret: bytes = b"hunter2") -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


class TestReports:
    @pytest.mark.parametrize(
        ("told", "headers"),
        [
            ({}, {"x-signature": signed(b"{}").hex()}),
            ({}, {"x-signature": "sha256=" + signed(b"{}").hex().upper()}),
            ({}, {"x-signature": base64.b64encode(signed(b"{}")).decode()}),
            ({"webhook_auth": "shared_secret", "webhook_header": "X-Token"}, {"x-token": "hunter2"}),
            ({"webhook_auth": "basic"}, {"authorization": "Basic " + base64.b64encode(b"oak:hunter2").decode()}),
        ],
    )
    def test_genuine(self, told: dict[str, str], headers: dict[str, str]) -> None:
        reporting(**told).authenticate(arrival(b"{}", **headers))

    @pytest.mark.parametrize("told", [{}, {"webhook_auth": "shared_secret"}, {"webhook_auth": "basic"}])
    @pytest.mark.parametrize("value", ["", "hunter3", "ü", "Basic ???", signed(b"{}", b"other").hex()])
    @pytest.mark.parametrize("secret", ["hunter2", ""])
    def test_anything_else_is_not(self, told: dict[str, str], value: str, secret: str) -> None:
        headers = {"x-signature": value, "authorization": value}

        with pytest.raises(NotAuthentic):
            reporting(secret, **told).authenticate(arrival(b"{}", **headers))

    def test_statuses_and_texts_of_one_request(self) -> None:
        delivered, dead, said = reporting().read(
            arrival(
                {
                    "events": [
                        {"state": "Delivered", "id": 7, "ref": "wb-1"},
                        {"state": "FAILED", "id": "8", "ref": "wb-2", "code": 17},
                        {"from": "13125550182", "to": "15005550006", "body": "STOP", "id": "t1"},
                    ]
                }
            )
        )

        assert (delivered.kind, delivered.reference, delivered.key) == (ReportKind.DELIVERED, "wb-1", "7-delivered")
        assert (dead.kind, dead.bounce, dead.code) == (ReportKind.FAILED, BounceClass.HARD, "17")
        assert (said.kind, said.text, said.address, said.key) == (ReportKind.REPLIED, "STOP", "+13125550182", "in-t1")

    def test_one_event_as_a_form(self) -> None:
        form = urlencode({"from": "+13125550182", "body": "hi & bye", "id": "t2"}).encode()

        (said,) = reporting(events_pointer="").read(
            arrival(form, **{"content-type": "application/x-www-form-urlencoded"})
        )

        assert said.text == "hi & bye"

    def test_the_same_words_without_an_id_are_one_text(self) -> None:
        body = {"events": [{"from": "+13125550182", "body": "STOP"}]}

        (once,), (again,) = reporting().read(arrival(body)), reporting().read(arrival(body))

        assert once.key == again.key

    @pytest.mark.parametrize(
        "body",
        [b"", b"not JSON", b"[" * 100_000, {}, {"events": []}, {"events": [{"state": "exploded"}]},
         {"events": [1, None]},
         {"events": [{"from": "+1", "body": {"a": 1}}]}, {"events": [{"state": "sent"}] * 1001}],
    )  # fmt: skip
    def test_what_cannot_be_read_is_kept_for_a_person(self, body: Any) -> None:
        with pytest.raises(NotUnderstood):
            reporting().read(arrival(body))
