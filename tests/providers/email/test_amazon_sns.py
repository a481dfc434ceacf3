"""What Amazon SES reports through SNS: whose signature, which topic, how old, and what it says."""

import base64
import datetime as dt
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

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
from winback.providers.receiving import Arrival, NotAuthentic, ReportKind
from winback.providers.registry import email_provider

TOPIC = "arn:aws:sns:us-east-1:123456789012:SES_Events"
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-12345abcde.pem"
MESSAGE_ID = "00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000"
ORDER = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
LINK = "https://oak.example.com/book"


def certificate(key: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


AMAZONS = rsa.generate_private_key(65537, 2048)
CERTIFICATE = certificate(AMAZONS)


def signed(body: dict[str, str], *, version: str = "2", key: Any = AMAZONS) -> dict[str, str]:
    """As Amazon's guide says: names and values on lines of their own, in the order of the alphabet."""
    text = "".join(f"{name}\n{body[name]}\n" for name in ORDER if name in body)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return {**body, "SignatureVersion": version, "Signature": signature, "SigningCertURL": CERTIFICATE_URL}


def notification(event: Any, *, at: datetime = NOW, **changes: str) -> dict[str, str]:
    message = event if isinstance(event, str) else json.dumps(event)
    return {
        "Type": "Notification",
        "MessageId": f"19ba9823-d7f2-53c1-860e-{abs(hash(message)):x}",
        "TopicArn": TOPIC,
        "Subject": "Amazon SES Email Event Notification",
        "Message": message,
        "Timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.675Z"),
        **changes,
    }


def subscription(**changes: str) -> dict[str, str]:
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "Token": "2336412f37",
        "TopicArn": TOPIC,
        "Message": "You have chosen to subscribe to the topic. To confirm, visit the SubscribeURL.",
        "SubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37",
        "Timestamp": NOW.strftime("%Y-%m-%dT%H:%M:%S.675Z"),
        **changes,
    }


def posted(body: dict[str, str], *, at: datetime = NOW) -> Arrival:
    came = arrival(json.dumps(body).encode(), at=at, x_amz_sns_message_type=body["Type"])
    return replace(came, headers={**came.headers, "content-type": "text/plain; charset=UTF-8"})


def event(kind: str, said: dict[str, Any] | None = None, **mail: Any) -> dict[str, Any]:
    return {
        "eventType": kind,
        "mail": {
            "timestamp": "2026-09-30T11:58:00.000Z",
            "source": "hello@oak.example.com",
            "messageId": MESSAGE_ID,
            "destination": [ADDRESS],
            "headersTruncated": False,
            "headers": [{"name": "X-Metadata", "value": '{"winback": "ref-1"}'}],
            "tags": {"ses:configuration-set": ["win-back"], "winback": ["ref-1"]},
            **mail,
        },
        kind[0].lower() + kind[1:]: said or {},
    }


def bounce(kind: str, subtype: str, **recipient: str) -> dict[str, Any]:
    recipients = [{"emailAddress": ADDRESS, "action": "failed", **recipient}]
    return event("Bounce", {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": recipients})


class TestAmazonSes(WebhookContract):
    provider_id = MESSAGE_ID
    signs_the_time = True
    UNKNOWN_USER = "smtp; 550 5.1.1 <x>... User unknown"
    SAMPLES = (
        Sample(event("Send"), ReportKind.ACCEPTED),
        Sample(event("Delivery", {"recipients": [ADDRESS], "smtpResponse": "250 ok"}), ReportKind.DELIVERED),
        Sample(
            bounce("Permanent", "General", status="5.1.1", diagnosticCode=UNKNOWN_USER),
            ReportKind.BOUNCED, HARD, "5.1.1",
        ),
        Sample(bounce("Permanent", "OnAccountSuppressionList"), ReportKind.BOUNCED, HARD),
        Sample(
            bounce("Permanent", "General", status="5.7.1", diagnosticCode="smtp; 550 5.7.1 policy"),
            ReportKind.BOUNCED, BLOCKED, "5.7.1",
        ),
        Sample(bounce("Transient", "MailboxFull"), ReportKind.BOUNCED, SOFT),
        Sample(bounce("Transient", "ContentRejected"), ReportKind.BOUNCED, CONTENT),
        Sample(bounce("Undetermined", "Undetermined"), ReportKind.BOUNCED, UNKNOWN),
        Sample(
            event("Complaint", {"complainedRecipients": [{"emailAddress": ADDRESS}], "complaintFeedbackType": "abuse"}),
            ReportKind.COMPLAINED,
        ),
        Sample(event("Reject", {"reason": "Bad content"}), ReportKind.FAILED, BLOCKED),
        Sample(event("DeliveryDelay", {"delayType": "MailboxFull"}), ReportKind.DEFERRED),
        Sample(event("Open", {"userAgent": "Mozilla"}), ReportKind.OPENED),
        Sample(event("Click", {"link": LINK, "userAgent": "Mozilla"}), ReportKind.CLICKED, url=LINK),
        Sample("Successfully validated SNS topic for Amazon SES event publishing.", None),
    )  # fmt: skip

    def provider(self, **told: Any) -> Any:
        made: Any = email_provider("amazon-ses", {}, {"topic_arns": f"arn:aws:sns:x:1:other, {TOPIC}", **told})
        made.fetch_certificate = lambda url: CERTIFICATE
        made.fetch = self._confirmed
        return made

    def strangers(self) -> Any:
        made = self.provider()
        made.fetch_certificate = lambda url: certificate(rsa.generate_private_key(65537, 2048))
        return made

    def arriving(self, payload: Any, *, at: datetime = NOW) -> Arrival:
        return posted(signed(notification(payload, at=at)), at=at)

    def raw(self, body: bytes) -> Arrival:
        return arrival(body, x_amz_sns_message_type="Notification")

    @pytest.fixture(autouse=True)
    def _nothing_confirmed_yet(self) -> None:
        self.confirmed: list[str] = []

    def _confirmed(self, url: str) -> bytes:
        self.confirmed.append(url)
        return b"<ConfirmSubscriptionResponse/>"

    def test_takes_the_older_signature_as_well(self) -> None:
        self.provider().authenticate(posted(signed(notification(event("Send")), version="1")))

    def test_the_reference_is_found_in_the_tag_where_the_headers_are_cut(self) -> None:
        (report,) = self.provider().read(self.arriving(event("Send", headers=[], headersTruncated=True)))

        assert report.reference == "ref-1"

    def test_says_of_each_recipient_of_one_event_by_a_key_of_its_own(self) -> None:
        two = event("Bounce", {
            "bounceType": "Permanent", "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": ADDRESS}, {"emailAddress": "bo@example.org"}],
        })  # fmt: skip

        reports = self.provider().read(self.arriving(two))

        assert [report.address for report in reports] == [ADDRESS, "bo@example.org"]
        assert len({report.key for report in reports}) == 2

    @pytest.mark.parametrize(
        "url",
        [
            "http://sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
            "https://evil.example/sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
            "https://evil.example#sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com:444/x.pem",
            "https://s3.us-east-1.amazonaws.com/evil/x.pem",
            "https://bucket.sns.us-east-1.amazonaws.com/x.pem",
            "https://sns.us-east-1.amazonaws.com/x.crt",
            "https://sns.us-east-1.amazonaws.com/?x.pem",
            "https://sns.us-east-1.amazonaws.com\n.evil.example/x.pem",
            "https://sns.us-east-1.amazonaws.com\\.evil.example/x.pem",
            "https://[::1/x.pem",
            "",
        ],
    )
    def test_asks_nobody_but_amazon_for_the_certificate(self, url: str) -> None:
        provider = self.provider()
        provider.fetch_certificate = lambda url: pytest.fail("asked")

        with pytest.raises(NotAuthentic, match="not Amazon"):
            provider.authenticate(posted({**signed(notification(event("Send"))), "SigningCertURL": url}))

    def test_takes_china_as_well(self) -> None:
        url = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem"

        self.provider().authenticate(posted({**signed(notification(event("Send"))), "SigningCertURL": url}))

    @pytest.mark.parametrize("topic", ["arn:aws:sns:us-east-1:999999999999:SES_Events", "", f"{TOPIC}2"])
    def test_a_topic_of_anybody_elses_is_refused_however_well_it_is_signed(self, topic: str) -> None:
        with pytest.raises(NotAuthentic, match="topic"):
            self.provider().authenticate(posted(signed(notification(event("Send"), TopicArn=topic))))

    def test_without_a_topic_nothing_is_authentic(self) -> None:
        with pytest.raises(NotAuthentic, match="topic"):
            self.provider(topic_arns="").authenticate(self._first())

    def test_header_and_body_are_of_one_type(self) -> None:
        came = posted(signed(notification(event("Send"))))

        with pytest.raises(NotAuthentic, match="types"):
            self.provider().authenticate(
                replace(came, headers={**came.headers, "x-amz-sns-message-type": "SubscriptionConfirmation"})
            )

    @pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "TopicArn", "Timestamp", "Type"])
    def test_whatever_is_signed_cannot_be_changed(self, name: str) -> None:
        body = signed(notification(event("Send")))
        changed = {"Timestamp": (NOW + timedelta(minutes=1)).isoformat(), "TopicArn": "arn:aws:sns:x:1:other"}
        body[name] = changed.get(name, "UnsubscribeConfirmation" if name == "Type" else "another")

        with pytest.raises(NotAuthentic):
            self.provider().authenticate(posted(body))

    def test_a_key_of_another_kind_or_no_certificate_is_no_proof(self) -> None:
        for answer in (certificate(ec.generate_private_key(ec.SECP256R1())), b"", b"-----BEGIN CERTIFICATE-----"):
            provider = self.provider()
            provider.fetch_certificate = lambda url, answer=answer: answer
            with pytest.raises(NotAuthentic):
                provider.authenticate(self._first())

    def test_an_unknown_version_is_no_signature(self) -> None:
        with pytest.raises(NotAuthentic, match="version"):
            self.provider().authenticate(posted({**signed(notification(event("Send"))), "SignatureVersion": "3"}))

    def test_an_hour_is_long_enough_for_retries(self) -> None:
        came = posted(signed(notification(event("Send"))))

        self.provider().authenticate(replace(came, received_at=NOW + timedelta(minutes=59)))
        with pytest.raises(NotAuthentic, match="hour"):
            self.provider().authenticate(replace(came, received_at=NOW + timedelta(minutes=61)))

    def test_confirms_the_subscription_of_its_own_topic(self) -> None:
        provider, came = self.provider(), posted(signed(subscription()))

        provider.authenticate(came)
        assert provider.read(came) == ()
        assert self.confirmed == [], "reading and authenticating go nowhere"
        assert provider.confirm(came) is True
        assert self.confirmed == [subscription()["SubscribeURL"]]

    def test_confirms_nothing_that_was_not_asked(self) -> None:
        assert self.provider().confirm(self._first()) is False
        assert self.provider().confirm(posted(signed({**subscription(), "Type": "UnsubscribeConfirmation"}))) is False
        assert self.confirmed == []

    def test_confirms_no_strange_topic_and_visits_no_strange_address(self) -> None:
        for asking in (
            signed(subscription(TopicArn="arn:aws:sns:us-east-1:999999999999:theirs")),
            signed(subscription(SubscribeURL="https://evil.example/?Action=ConfirmSubscription")),
            signed(subscription(SubscribeURL="http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription")),
            {**signed(subscription()), "Token": "another"},
        ):
            with pytest.raises(NotAuthentic):
                self.provider().confirm(posted(asking))
        assert self.confirmed == []
