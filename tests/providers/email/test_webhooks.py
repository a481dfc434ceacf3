"""The webhooks of the services, by their published examples and signatures."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from svix.webhooks import Webhook

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
)
from winback.providers.email.base import EmailProvider
from winback.providers.receiving import Arrival, NotAuthentic, NotUnderstood, ReportKind
from winback.providers.registry import email_provider

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


def _json(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def _public(key: Any) -> str:
    encoded = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(encoded).decode()


class ByBasicAuth(WebhookContract):
    """Name and password in the URL."""

    code: str
    signs_the_body = False

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider(self.code, {"webhook_username": "oak", "webhook_password": "hörse:battery", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_password="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        encoded = base64.b64encode("oak:hörse:battery".encode()).decode()
        return arrival(_json(payload), at=at, authorization=f"Basic {encoded}")

    def test_without_a_password_the_address_has_to_do(self) -> None:
        self.provider(webhook_username="", webhook_password="").authenticate(arrival(b"{}"))

    def test_a_name_alone_is_no_password(self) -> None:
        with pytest.raises(NotAuthentic):
            self.provider(webhook_username="").authenticate(self._first())


class TestPostmark(ByBasicAuth):
    code = "postmark"
    provider_id = "883953f4-6105-42a2-a16a-77a8eac79483"

    @staticmethod
    def _event(record: str, **more: Any) -> dict[str, Any]:
        return {
            "RecordType": record,
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "ServerID": 23,
            "MessageStream": "broadcast",
            "Metadata": {"winback": "ref-1"},
            **more,
        }

    @staticmethod
    def _bounce(kind: str, code: int, details: str) -> dict[str, Any]:
        return TestPostmark._event(
            "Bounce", ID=4323372036854775807 + code, Type=kind, TypeCode=code, Details=details, Inactive=True,
            Description="The server was unable to deliver your message", From="hello@oak.example.com", Email=ADDRESS,
            BouncedAt="2026-09-30T11:59:00.0000000Z",
        )  # fmt: skip

    SAMPLES = ()


TestPostmark.SAMPLES = (
    Sample(
        TestPostmark._event("Delivery", Recipient=ADDRESS, DeliveredAt="2026-09-30T11:58:00Z", Details="250 2.0.0 OK"),
        DELIVERED,
        occurred_at=datetime(2026, 9, 30, 11, 58, tzinfo=UTC),
    ),
    Sample(TestPostmark._bounce("HardBounce", 1, f"smtp;{USER_UNKNOWN}"), BOUNCED, HARD, "5.1.1"),
    Sample(TestPostmark._bounce("HardBounce", 2, "action: failed"), BOUNCED, HARD),
    Sample(TestPostmark._bounce("SoftBounce", 4096, "smtp;552 5.2.2 Mailbox full"), BOUNCED, SOFT, "5.2.2"),
    Sample(TestPostmark._bounce("SpamNotification", 512, "smtp;550 5.7.1 Rejected as spam"), BOUNCED, BLOCKED, "5.7.1"),
    Sample(TestPostmark._bounce("Blocked", 100006, "smtp;550 blocked by our list"), FAILED, BLOCKED),
    Sample(TestPostmark._bounce("Transient", 2048, "smtp;451 4.4.1 timed out"), DEFERRED, SOFT, "4.4.1"),
    Sample(TestPostmark._bounce("AutoResponder", 32, "I am away"), None),
    Sample(
        TestPostmark._event(
            "SpamComplaint", ID=42, Type="SpamComplaint", Email=ADDRESS, BouncedAt="2026-09-30T11:59:00Z"
        ),
        COMPLAINED,
    ),
    Sample(
        TestPostmark._event(
            "SubscriptionChange", Recipient=ADDRESS, Origin="Recipient", SuppressSending=True,
            SuppressionReason="ManualSuppression", ChangedAt="2026-09-30T11:59:00Z",
        ),
        UNSUBSCRIBED,
    ),
    Sample(
        TestPostmark._event("Open", Recipient=ADDRESS, ReceivedAt="2026-09-30T11:59:00Z", UserAgent="Mozilla"), OPENED
    ),
    Sample(
        TestPostmark._event("Click", Recipient=ADDRESS, ReceivedAt="2026-09-30T11:59:00Z", OriginalLink=LINK),
        CLICKED,
        url=LINK,
    ),
)  # fmt: skip


class TestBrevo(ByBasicAuth):
    code = "brevo"
    provider_id = "<202609301200.1@smtp-relay.mailin.fr>"

    @staticmethod
    def _event(kind: str, **more: Any) -> dict[str, Any]:
        return {
            "event": kind,
            "email": ADDRESS,
            "id": 1,
            "date": "2026-09-30 13:59:00",
            "ts": 1790769540,
            "ts_event": 1790769540,
            "ts_epoch": 1790769540000,
            "message-id": "<202609301200.1@smtp-relay.mailin.fr>",
            "subject": "Hello",
            "X-Mailin-custom": '{"winback": "ref-1"}',
            "sending_ip": "192.0.2.1",
            **more,
        }

    SAMPLES = ()


TestBrevo.SAMPLES = (
    Sample(TestBrevo._event("request"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestBrevo._event("delivered"), DELIVERED),
    Sample(TestBrevo._event("hard_bounce", reason=USER_UNKNOWN), BOUNCED, HARD, "5.1.1"),
    Sample(TestBrevo._event("hard_bounce", reason="it bounced"), BOUNCED, HARD),
    Sample(TestBrevo._event("soft_bounce", reason="452 4.2.2 over quota"), BOUNCED, SOFT, "4.2.2"),
    Sample(TestBrevo._event("invalid_email"), BOUNCED, HARD),
    Sample(TestBrevo._event("blocked", reason="blocked : due to blacklist user"), FAILED, BLOCKED),
    Sample(TestBrevo._event("deferred", reason="421 4.7.0 try again"), DEFERRED, BLOCKED, "4.7.0"),
    Sample(TestBrevo._event("spam"), COMPLAINED),
    Sample(TestBrevo._event("unsubscribe"), UNSUBSCRIBED),
    Sample(TestBrevo._event("opened"), OPENED, machine=False),
    Sample(TestBrevo._event("proxy_open", ts_epoch=1790769541000), OPENED, machine=True),
    Sample(TestBrevo._event("click", link=LINK), CLICKED, url=LINK),
    Sample(TestBrevo._event("list_addition"), None),
)


class TestMailjet(ByBasicAuth):
    code = "mailjet"
    provider_id = "19421777835146490"

    @staticmethod
    def _event(kind: str, **more: Any) -> dict[str, Any]:
        return {
            "event": kind,
            "time": 1790769540,
            "MessageID": 19421777835146490,
            "Message_GUID": "1ab23cd4-e567-8901-2345-6789f0gh1i2j",
            "email": ADDRESS,
            "mj_campaign_id": 7257,
            "mj_contact_id": 4,
            "customcampaign": "",
            "CustomID": "ref-1",
            "Payload": '{"winback": "ref-1"}',
            **more,
        }

    @staticmethod
    def _bounce(error: str, *, hard: bool) -> dict[str, Any]:
        return TestMailjet._event("bounce", hard_bounce=hard, error_related_to="recipient", error=error)

    SAMPLES = ()

    def test_takes_grouped_events_as_well(self) -> None:
        grouped = [self._event("sent", smtp_reply="sent (250 2.0.0 OK)"), self._event("open", agent="Mozilla")]

        reports = self.provider().read(self.arriving(grouped))

        assert [report.kind for report in reports] == [DELIVERED, OPENED]


TestMailjet.SAMPLES = (
    Sample(
        TestMailjet._event("sent", smtp_reply="sent (250 2.0.0 OK)"),
        DELIVERED,
        occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC),
    ),
    Sample(TestMailjet._bounce("user unknown", hard=True), BOUNCED, HARD),
    Sample(TestMailjet._bounce("mailbox inactive", hard=False), BOUNCED, SOFT),
    Sample(TestMailjet._bounce("quota exceeded", hard=False), BOUNCED, SOFT),
    Sample(TestMailjet._bounce("relay/access denied", hard=True), BOUNCED, BLOCKED),
    Sample(TestMailjet._bounce("greylisted", hard=False), DEFERRED, SOFT),
    Sample(
        TestMailjet._event("blocked", error_related_to="recipient", error="preblocked"),
        FAILED,
        BLOCKED,
    ),
    Sample(TestMailjet._event("blocked", error_related_to="spam", error="content blocked"), FAILED, CONTENT),
    Sample(TestMailjet._event("spam", source="JMRPP"), COMPLAINED),
    Sample(TestMailjet._event("unsub", ip="192.0.2.1"), UNSUBSCRIBED),
    Sample(TestMailjet._event("open", agent="Mozilla"), OPENED),
    Sample(TestMailjet._event("click", url=LINK), CLICKED, url=LINK),
)


class TestSparkPost(ByBasicAuth):
    code = "sparkpost"
    provider_id = "65832150921904138"

    @staticmethod
    def _event(kind: str, group: str = "message_event", **more: Any) -> list[dict[str, Any]]:
        event = {
            "type": kind,
            "event_id": f"92356927693813{abs(hash((kind, json.dumps(more, sort_keys=True))))}",
            "message_id": "000443ee14578172be22",
            "transmission_id": "65832150921904138",
            "rcpt_to": ADDRESS,
            "raw_rcpt_to": ADDRESS,
            "rcpt_meta": {"winback": "ref-1"},
            "timestamp": "1790769540",
            **more,
        }
        return [{"msys": {group: event}}]

    SAMPLES = ()


TestSparkPost.SAMPLES = (
    Sample(TestSparkPost._event("injection"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestSparkPost._event("delivery"), DELIVERED),
    Sample(
        TestSparkPost._event("bounce", bounce_class="10", error_code="550", raw_reason=USER_UNKNOWN),
        BOUNCED,
        HARD,
        "5.1.1",
    ),
    Sample(TestSparkPost._event("bounce", bounce_class="22", raw_reason="552 5.2.2 full"), BOUNCED, SOFT, "5.2.2"),
    Sample(
        TestSparkPost._event("bounce", bounce_class="51", error_code="554", raw_reason="no"), BOUNCED, BLOCKED, "554"
    ),
    Sample(TestSparkPost._event("bounce", bounce_class="60", raw_reason="away"), None),
    Sample(TestSparkPost._event("out_of_band", bounce_class="30", raw_reason="no RCPT"), BOUNCED, HARD),
    Sample(TestSparkPost._event("policy_rejection", bounce_class="25", raw_reason="suppressed"), FAILED, BLOCKED),
    Sample(TestSparkPost._event("delay", bounce_class="24", raw_reason="421 4.4.1 timeout"), DEFERRED, SOFT, "4.4.1"),
    Sample(TestSparkPost._event("spam_complaint", fbtype="abuse"), COMPLAINED),
    Sample(TestSparkPost._event("list_unsubscribe", "unsubscribe_event"), UNSUBSCRIBED),
    Sample(TestSparkPost._event("open", "track_event", is_prefetched=True), OPENED, machine=True),
    Sample(TestSparkPost._event("initial_open", "track_event"), None),
    Sample(TestSparkPost._event("click", "track_event", target_link_url=LINK), CLICKED, url=LINK),
    Sample([{"msys": {}}], None),
)


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

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailtrap", {"webhook_signing_secret": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_signing_secret="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = _json(payload)
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

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailersend", {"signing_secret": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(signing_secret="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = _json(payload)
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

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("mailgun", {"webhook_signing_key": "signing-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_signing_key="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        return arrival(self._signed(payload, token=hashlib.sha256(_json(payload)).hexdigest()[:50], at=at), at=at)

    @staticmethod
    def _signed(payload: Any, *, token: str, at: datetime = NOW) -> bytes:
        timestamp = str(int(at.timestamp()))
        signature = hmac.new(b"signing-1", f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        return _json({"signature": {"timestamp": timestamp, "token": token, "signature": signature}, **payload})

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


class TestResend(WebhookContract):
    """Signed by Svix's own library."""

    provider_id = "56761188-7520-42d8-8898-ff6fc54ce618"
    signs_the_time = True
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @staticmethod
    def _event(kind: str, **more: Any) -> dict[str, Any]:
        return {
            "type": f"email.{kind}",
            "created_at": "2026-09-30T11:59:00.000Z",
            "data": {
                "created_at": "2026-09-30T11:50:00.000Z",
                "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
                "from": "Oak <hello@oak.example.com>",
                "to": [ADDRESS],
                "subject": "Hello",
                "tags": {"winback": "ref-1"},
                **more,
            },
        }

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("resend", {"signing_secret": self.secret, **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(signing_secret="whsec_" + base64.b64encode(b"another secret of 24 byte").decode())

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = _json(payload)
        identity = f"msg_{hashlib.sha256(body).hexdigest()[:27]}"
        return arrival(
            body,
            at=at,
            svix_id=identity,
            svix_timestamp=str(int(at.timestamp())),
            svix_signature="v1,d3Jvbmc= v2,bmV3 " + Webhook(self.secret).sign(identity, at, body.decode()),
        )

    def test_the_reference_may_stand_in_a_header_of_ours(self) -> None:
        event = self._event("delivered", headers=[{"name": "X-Metadata", "value": '{"winback": "ref-1"}'}])
        del event["data"]["tags"]

        (report,) = self.provider().read(self.arriving(event))

        assert report.reference == "ref-1"

    def test_a_secret_that_is_none_is_no_reason_to_believe_anybody(self) -> None:
        for secret in ("", "whsec_é", "whsec_"):
            with pytest.raises(NotAuthentic):
                self.provider(signing_secret=secret).authenticate(self._first())


TestResend.SAMPLES = (
    Sample(TestResend._event("sent"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestResend._event("delivered"), DELIVERED),
    Sample(TestResend._event("delivery_delayed"), DEFERRED),
    Sample(
        TestResend._event("bounced", bounce={"message": "a hard bounce", "type": "Permanent", "subType": "x"}),
        BOUNCED,
        HARD,
    ),
    Sample(
        TestResend._event("bounced", bounce={"message": "a bounce", "type": "Transient", "subType": "MailboxFull"}),
        BOUNCED,
        SOFT,
    ),
    Sample(
        TestResend._event(
            "bounced", bounce={"message": "too large", "type": "Transient", "subType": "MessageTooLarge"}
        ),
        BOUNCED,
        CONTENT,
    ),
    Sample(TestResend._event("complained"), COMPLAINED),
    Sample(TestResend._event("opened"), OPENED),
    Sample(TestResend._event("clicked", click={"link": LINK, "userAgent": "Mozilla"}), CLICKED, url=LINK),
    Sample(TestResend._event("scheduled"), None),
)


class TestSendGrid(WebhookContract):
    provider_id = "anymail-1"
    signs_the_time = True
    key = ec.generate_private_key(ec.SECP256R1())

    @staticmethod
    def _event(kind: str, **more: Any) -> list[dict[str, Any]]:
        event = {
            "email": ADDRESS,
            "timestamp": 1790769540,
            "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
            "event": kind,
            "sg_event_id": f"sg-{kind}-{json.dumps(more)}",
            "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
            "anymail_id": "anymail-1",
            "winback": "ref-1",
            **more,
        }
        return [event]

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("sendgrid", {"webhook_verification_key": _public(self.key), **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_verification_key=_public(ec.generate_private_key(ec.SECP256R1())))

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body, timestamp = _json(payload), str(int(at.timestamp()))
        signature = self.key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return arrival(
            body,
            at=at,
            x_twilio_email_event_webhook_signature=base64.b64encode(signature).decode(),
            x_twilio_email_event_webhook_timestamp=timestamp,
        )

    def test_believes_what_sendgrids_own_example_is_signed_with(self) -> None:
        """From the specification of SendGrid's client for Node (@sendgrid/eventwebhook 8.0.0, MIT)."""
        body = (
            b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
            b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
            b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
            b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
        )
        provider = self.provider(
            webhook_verification_key="MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpV"
            "KS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
        )
        came = arrival(
            body,
            at=datetime.fromtimestamp(1600112502, UTC),
            x_twilio_email_event_webhook_signature="MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0J"
            "uG+luQAbPIqHh89M15TluLtEZtM=",
            x_twilio_email_event_webhook_timestamp="1600112502",
        )

        provider.authenticate(came)
        (report,) = provider.read(came)

        assert (report.kind, report.bounce) == (FAILED, HARD)


TestSendGrid.SAMPLES = (
    Sample(TestSendGrid._event("processed"), ACCEPTED, occurred_at=datetime(2026, 9, 30, 11, 59, tzinfo=UTC)),
    Sample(TestSendGrid._event("delivered", response="250 OK"), DELIVERED),
    Sample(TestSendGrid._event("bounce", status="5.1.1", reason=USER_UNKNOWN, type="bounce"), BOUNCED, HARD, "5.1.1"),
    Sample(TestSendGrid._event("bounce", status="5.2.2", reason="552 full", type="blocked"), BOUNCED, SOFT, "5.2.2"),
    Sample(TestSendGrid._event("bounce", reason="no", type="blocked"), BOUNCED, BLOCKED),
    Sample(TestSendGrid._event("deferred", response="400 try again later", attempt="5"), DEFERRED, SOFT),
    Sample(TestSendGrid._event("dropped", reason="Bounced Address"), FAILED, HARD),
    Sample(TestSendGrid._event("dropped", reason="Spam Reporting Address"), FAILED, BLOCKED),
    Sample(TestSendGrid._event("spamreport"), COMPLAINED),
    Sample(TestSendGrid._event("unsubscribe"), UNSUBSCRIBED),
    Sample(TestSendGrid._event("open", sg_machine_open=True), OPENED, machine=True),
    Sample(TestSendGrid._event("open", sg_machine_open=False), OPENED, machine=False),
    Sample(TestSendGrid._event("click", url=LINK), CLICKED, url=LINK),
    Sample(TestSendGrid._event("group_resubscribe"), None),
)


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
    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("postal", {"webhook_key": _public(self.key), **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_key=_public(rsa.generate_private_key(65537, 2048)))

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = _json(payload)
        signature = base64.b64encode(self.key.sign(body, padding.PKCS1v15(), hashes.SHA1())).decode()
        return arrival(body, at=at, x_postal_signature=signature)

    def test_takes_the_newer_signature_and_then_no_older_one(self) -> None:
        came = self._first()
        newer = base64.b64encode(self.key.sign(came.body, padding.PKCS1v15(), hashes.SHA256())).decode()

        self.provider().authenticate(arrival(came.body, x_postal_signature_256=newer))
        both = {"x_postal_signature_256": "d3Jvbmc=", "x_postal_signature": came.headers["x-postal-signature"]}
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

    SAMPLES = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("unisender-go", {"api_key": "uni-1", **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(api_key="another")

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = _json({"auth": "uni-1", **payload})
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
