"""Postal and Unisender Go, and one that reports nothing."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.providers.email.webhooks import (
    ADDRESS,
    BLOCKED,
    CONTENT,
    HARD,
    NOW,
    SOFT,
    UNKNOWN,
    Sample,
    WebhookContract,
    arrival,
    as_json,
    public,
)
from winback.providers.email.base import EmailProvider
from winback.providers.receiving import Arrival, NotAuthentic, NotUnderstood, ReportKind
from winback.providers.registry import email_provider

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


class TestPostal(WebhookContract):
    provider_id = "12345"
    key = rsa.generate_private_key(65537, 2048)

    @staticmethod
    def _event(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return {"event": kind, "timestamp": 1790769540.5, "uuid": f"uuid-{json.dumps(payload)}", "payload": payload}

    @staticmethod
    def _status(status: str, output: str = "", details: str = "") -> dict[str, Any]:
        return TestPostal._event(
            f"Message{status}",
            {"status": status, "details": details, "output": output, "time": 0.2, "message": TestPostal.MESSAGE},
        )

    MESSAGE = {
        "id": 12345,
        "token": "abcdef123",
        "direction": "outgoing",
        "message_id": "5817a64332f44_4ec93ff59e79d154565eb@app34.mail",
        "to": ADDRESS,
        "from": "hello@oak.example.com",
        "subject": "Hello",
        "timestamp": 1790769500.1,
        "tag": "winback-ref-1",
    }
    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("postal", {"webhook_key": public(self.key), **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_key=public(rsa.generate_private_key(65537, 2048)))

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = as_json(payload)
        signature = base64.b64encode(self.key.sign(body, padding.PKCS1v15(), hashes.SHA1())).decode()
        return arrival(body, at=at, x_postal_signature=signature)

    def test_takes_the_newer_signature_and_then_no_older_one(self) -> None:
        came = self._first()
        newer = base64.b64encode(self.key.sign(came.body, padding.PKCS1v15(), hashes.SHA256())).decode()

        self.provider().authenticate(arrival(came.body, x_postal_signature_256=newer))
        both: Any = {"x_postal_signature_256": "d3Jvbmc=", "x_postal_signature": came.headers["x-postal-signature"]}
        with pytest.raises(NotAuthentic):
            self.provider().authenticate(arrival(came.body, **both))

    def test_what_came_in_is_none_of_its_reports(self) -> None:
        incoming = {**self.MESSAGE, "direction": "incoming"}
        event = self._event("MessageSent", {"status": "Sent", "message": incoming})

        assert self.provider().read(self.arriving(event)) == []


TestPostal.SAMPLES = (
    Sample(TestPostal._status("Sent", "250 OK"), DELIVERED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestPostal._status("SoftFail", "451 4.3.0 later"), DEFERRED, SOFT, "4.3.0"),
    Sample(TestPostal._status("HardFail", USER_UNKNOWN), FAILED, HARD, "5.1.1"),
    Sample(TestPostal._status("HardFail", "", "Recipient added to suppression list"), FAILED, UNKNOWN),
    Sample(TestPostal._status("Held", "", "Credential is configured to hold"), ACCEPTED),
    Sample(
        TestPostal._event("MessageBounced", {"original_message": TestPostal.MESSAGE, "bounce": {"id": 9}}),
        BOUNCED,
        UNKNOWN,
    ),
    Sample(
        TestPostal._event("MessageLinkClicked", {"url": LINK, "user_agent": "x", "message": TestPostal.MESSAGE}),
        CLICKED,
        url=LINK,
    ),
)


class TestUnisenderGo(WebhookContract):
    provider_id = "anymail-1"

    @staticmethod
    def _event(status: str, delivery: str = "", response: str = "", **more: Any) -> dict[str, Any]:
        data = {
            "job_id": "1a3Q2V-0000OZ-S0",
            "metadata": {"winback": "ref-1", "anymail_id": "anymail-1"},
            "email": ADDRESS,
            "status": status,
            "event_time": "2026-09-30 11:59:00",
            "delivery_info": {"delivery_status": delivery, "destination_response": response},
            **more,
        }
        return {
            "events_by_user": [
                {"user_id": 7, "events": [{"event_name": "transactional_email_status", "event_data": data}]}
            ]
        }

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("unisender-go", {"api_key": "uni-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(api_key="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = as_json({"auth": "uni-1", **payload})
        signature = hashlib.md5(body).hexdigest()
        return arrival(body.replace(b"uni-1", signature.encode(), 1), at=at)


TestUnisenderGo.SAMPLES = (
    Sample(TestUnisenderGo._event("sent"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestUnisenderGo._event("delivered"), DELIVERED),
    Sample(TestUnisenderGo._event("hard_bounced", "err_user_unknown", USER_UNKNOWN), BOUNCED, HARD, "5.1.1"),
    Sample(TestUnisenderGo._event("hard_bounced", "err_user_inactive"), BOUNCED, HARD),
    Sample(TestUnisenderGo._event("hard_bounced", "err_mailbox_full"), BOUNCED, SOFT),
    Sample(TestUnisenderGo._event("hard_bounced", "err_spam_rejected"), BOUNCED, BLOCKED),
    Sample(TestUnisenderGo._event("hard_bounced", "err_too_large"), BOUNCED, CONTENT),
    Sample(TestUnisenderGo._event("soft_bounced", "err_will_retry"), DEFERRED, SOFT),
    Sample(TestUnisenderGo._event("spam"), COMPLAINED),
    Sample(TestUnisenderGo._event("unsubscribed"), UNSUBSCRIBED),
    Sample(TestUnisenderGo._event("opened"), OPENED),
    Sample(TestUnisenderGo._event("clicked", url=LINK), CLICKED, url=LINK),
)


def test_one_who_sends_no_webhooks_believes_nobody() -> None:
    scaleway = email_provider("scaleway", {}, {})

    assert not scaleway.takes_webhooks
    with pytest.raises(NotAuthentic):
        scaleway.authenticate(arrival(b"{}"))
    with pytest.raises(NotUnderstood):
        scaleway.read(arrival(b"{}"))
