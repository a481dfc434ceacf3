"""Mailtrap, MailerSend and Mailgun: reports signed with a shared secret."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from tests.providers.email.webhooks import (
    ADDRESS,
    BLOCKED,
    HARD,
    NOW,
    SOFT,
    Sample,
    WebhookContract,
    arrival,
    as_json,
)
from winback.providers.email.base import EmailProvider
from winback.providers.receiving import Arrival, NotAuthentic, ReportKind
from winback.providers.registry import email_provider

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


class TestMailtrap(WebhookContract):
    provider_id = "413d2fd0-6606-11ed-b5b6-0a58a9feac02"

    @staticmethod
    def _event(kind: str, **more: Any) -> dict[str, Any]:
        event = {
            "event": kind,
            "timestamp": 1790769540,
            "sending_stream": "bulk",
            "message_id": "413d2fd0-6606-11ed-b5b6-0a58a9feac02",
            "email": ADDRESS,
            "event_id": f"bede7236-2284-43d6-a953-1fdcafd0{kind}{json.dumps(more)}",
            "custom_variables": {"winback": "ref-1"},
            **more,
        }
        return {"events": [event]}

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailtrap", {"webhook_signing_secret": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_signing_secret="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = as_json(payload)
        return arrival(body, at=at, mailtrap_signature=hmac.new(b"signing-1", body, hashlib.sha256).hexdigest())

    def test_without_a_signing_secret_name_and_password_are_asked_for(self) -> None:
        provider = self.provider(webhook_signing_secret="", webhook_username="oak", webhook_password="horse")
        encoded = base64.b64encode(b"oak:horse").decode()

        provider.authenticate(arrival(b"{}", authorization=f"Basic {encoded}"))
        with pytest.raises(NotAuthentic):
            provider.authenticate(self._first())


TestMailtrap.SAMPLES = (
    Sample(TestMailtrap._event("delivery"), DELIVERED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(
        TestMailtrap._event("bounce", response_code=555, response=USER_UNKNOWN, bounce_category="badmailbox"),
        BOUNCED,
        HARD,
        "5.1.1",
    ),
    Sample(TestMailtrap._event("bounce", response="no", bounce_category="spam"), BOUNCED, BLOCKED),
    Sample(TestMailtrap._event("soft bounce", response_code=421, response="later"), DEFERRED, SOFT, "421"),
    Sample(TestMailtrap._event("reject", reason="unknown"), FAILED, BLOCKED),
    Sample(TestMailtrap._event("suspension", reason="Hourly rate limit exceeded"), DEFERRED, SOFT),
    Sample(TestMailtrap._event("spam"), COMPLAINED),
    Sample(TestMailtrap._event("unsubscribe", ip="192.0.2.1"), UNSUBSCRIBED),
    Sample(TestMailtrap._event("open", user_agent="Mozilla"), OPENED),
    Sample(TestMailtrap._event("click", url=LINK), CLICKED, url=LINK),
)


class TestMailerSend(WebhookContract):
    provider_id = "62fb66bef54a112e920b5493"

    @staticmethod
    def _event(kind: str, morph: Any = None, **more: Any) -> dict[str, Any]:
        return {
            "type": f"activity.{kind}",
            "created_at": "2026-09-30T11:59:00.000000Z",
            "webhook_id": "7z3m5jgrogdpyo6n",
            "data": {
                "object": "activity",
                "id": f"62f114f8165fe0d8db02{kind}{more.get('n', '')}",
                "type": kind,
                "created_at": "2026-09-30T11:59:00.000000Z",
                "email": {
                    "object": "email",
                    "id": "62f114f7165fe0d8db0288e2",
                    "tags": ["winback-ref-1"],
                    "message": {"object": "message", "id": "62fb66bef54a112e920b5493"},
                    "recipient": {"object": "recipient", "id": "62c69be104270ee9c0074d24", "email": ADDRESS},
                },
                "morph": morph,
            },
        }

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailersend", {"signing_secret": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(signing_secret="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = as_json(payload)
        return arrival(body, at=at, signature=hmac.new(b"signing-1", body, hashlib.sha256).hexdigest())

    def test_without_a_secret_nothing_is_authentic(self) -> None:
        with pytest.raises(NotAuthentic, match="signing secret"):
            self.provider(signing_secret="").authenticate(self._first())


_MORPH = {"object": "recipient_bounce", "reason": USER_UNKNOWN, "readable_reason": USER_UNKNOWN}
TestMailerSend.SAMPLES = (
    Sample(TestMailerSend._event("sent"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestMailerSend._event("delivered"), DELIVERED),
    Sample(TestMailerSend._event("hard_bounced", _MORPH), BOUNCED, HARD, "5.1.1"),
    Sample(
        TestMailerSend._event("soft_bounced", {"object": "recipient_bounce", "reason": "Mailbox full"}), BOUNCED, SOFT
    ),
    Sample(TestMailerSend._event("spam_complaint", {"object": "spam_complaint"}), COMPLAINED),
    Sample(TestMailerSend._event("unsubscribed", {"object": "recipient_unsubscribe"}), UNSUBSCRIBED),
    Sample(TestMailerSend._event("opened", {"object": "open", "ip": "192.0.2.1"}), OPENED),
    Sample(TestMailerSend._event("clicked", {"object": "click", "url": LINK}), CLICKED, url=LINK),
)


class TestMailgun(WebhookContract):
    """Its signature is of a time and a token alone: the token is the key of the report, so that it counts once."""

    provider_id = "<ref-1@oak.example.com>"
    signs_the_body = False
    signs_the_time = True

    @staticmethod
    def _event(kind: str, **more: Any) -> dict[str, Any]:
        data = {
            "event": kind,
            "id": "CPgfbmQMTCKtHW6uIWtuVe",
            "timestamp": 1790769540.927,
            "log-level": "info",
            "recipient": ADDRESS,
            "recipient-domain": "example.org",
            "message": {"headers": {"to": ADDRESS, "message-id": "ref-1@oak.example.com", "from": "o@oak.example.com"}},
            "user-variables": {"winback": "ref-1"},
            "tags": [],
            **more,
        }
        return {"event-data": data}

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailgun", {"webhook_signing_key": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_signing_key="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        return arrival(self._signed(payload, token=hashlib.sha256(as_json(payload)).hexdigest()[:50], at=at), at=at)

    @staticmethod
    def _signed(payload: Any, *, token: str, at: datetime = NOW) -> bytes:
        timestamp = str(int(at.timestamp()))
        signature = hmac.new(b"signing-1", f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        return as_json({"signature": {"timestamp": timestamp, "token": token, "signature": signature}, **payload})

    def test_a_token_that_was_seen_says_nothing_new_whatever_stands_beside_it(self) -> None:
        seen = arrival(self._signed(self._event("opened"), token="seen"))
        forged = arrival(self._signed(self._event("complained", recipient="bo@example.org"), token="seen"))

        assert self.provider().read(seen)[0].key == self.provider().read(forged)[0].key

    def test_its_old_form_is_not_understood(self) -> None:
        with pytest.raises(NotAuthentic):
            self.provider().authenticate(arrival(b"event=delivered&token=a&timestamp=1&signature=b"))


def _status(**said: Any) -> dict[str, Any]:
    return {"delivery-status": said}


_REFUSED = {"code": 550, "enhanced-code": "5.1.1", "message": USER_UNKNOWN, "description": ""}
TestMailgun.SAMPLES = (
    Sample(
        TestMailgun._event("delivered", **_status(code=250, message="OK")),
        DELIVERED,
        occurred_at=datetime(2026, 9, 30, 11, 59, 0, 927000, tzinfo=UTC),
    ),
    Sample(
        TestMailgun._event("failed", severity="permanent", reason="bounce", **_status(**_REFUSED)),
        BOUNCED,
        HARD,
        "5.1.1",
    ),
    Sample(
        TestMailgun._event("failed", severity="permanent", reason="suppress-bounce", **_status(code=605)),
        BOUNCED,
        HARD,
    ),
    Sample(
        TestMailgun._event("failed", severity="permanent", reason="suppress-complaint", **_status(code=607)),
        BOUNCED,
        BLOCKED,
    ),
    Sample(
        TestMailgun._event(
            "failed",
            severity="temporary",
            reason="generic",
            **_status(code=452, message="4.2.2 full"),
        ),
        DEFERRED,
        SOFT,
        "4.2.2",
    ),
    Sample(TestMailgun._event("complained"), COMPLAINED),
    Sample(TestMailgun._event("unsubscribed"), UNSUBSCRIBED),
    Sample(TestMailgun._event("opened", **{"client-info": {"user-agent": "x", "bot": "apple"}}), OPENED, machine=True),
    Sample(TestMailgun._event("opened", **{"client-info": {"user-agent": "x", "bot": ""}}), OPENED, machine=False),
    Sample(TestMailgun._event("clicked", url=LINK), CLICKED, url=LINK),
)
