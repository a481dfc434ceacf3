"""What a gateway reports by configuration: who may report, statuses, and texts that came in."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.factories import NOW
from winback.providers.receiving import Arrival, BounceClass, NotAuthentic, NotUnderstood, ReportKind
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider

URL = "https://book.example.com/hooks/gateway/abc/"


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
