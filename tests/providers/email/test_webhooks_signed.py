"""Resend and SendGrid: reports signed with their time."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from svix.webhooks import Webhook

from tests.providers.email.webhooks import (
    ADDRESS,
    BLOCKED,
    CONTENT,
    HARD,
    NOW,
    SOFT,
    Sample,
    WebhookContract,
    arrival,
    as_json,
    public,
)
from winback.providers.email.base import EmailProvider
from winback.providers.receiving import Arrival, NotAuthentic, ReportKind
from winback.providers.registry import email_provider

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("resend", {"signing_secret": self.secret, **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(signing_secret="whsec_" + base64.b64encode(b"another secret of 24 byte").decode())

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body = as_json(payload)
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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

    def provider(self, **told: Any) -> EmailProvider:
        return email_provider("sendgrid", {"webhook_verification_key": public(self.key), **told}, {})

    def strangers(self) -> EmailProvider:
        return self.provider(webhook_verification_key=public(ec.generate_private_key(ec.SECP256R1())))

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        body, timestamp = as_json(payload), str(int(at.timestamp()))
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
