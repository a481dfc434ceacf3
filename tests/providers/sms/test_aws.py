"""AWS End User Messaging by boto3, which checks every request against Amazon's own description of the service.

moto does not know this service; a local server speaks its protocol (AWS JSON 1.0), and botocore reads the answers.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from tests.factories import NOW
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request
from tests.providers.ports import free_port
from tests.providers.sms.contract import FailingSmsContract, SmsProviderContract, text
from winback.providers.email import sns
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.receiving import Arrival, NotAuthentic, NotUnderstood, ReportKind
from winback.providers.registry import sms_provider
from winback.providers.sms.aws import AwsProvider
from winback.providers.sms.base import SmsProvider

KEYS = {"access_key_id": "AKIDMINE", "secret_access_key": "mine"}
TOPIC = "arn:aws:sns:us-east-1:123456789012:texts"


class Aws:
    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.tier = "PRODUCTION"

    def __call__(self, request: Request) -> Answer:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        if operation == "DescribeAccountAttributes" and not self.script:
            return Answer(200, {"AccountAttributes": [{"Name": "ACCOUNT_TIER", "Value": self.tier}]})
        return self.script.pop(0) if self.script else Answer(200, {"MessageId": f"m-{len(request.body)}"})


def connect(url: str, **told: Any) -> SmsProvider:
    settings = {"region": "us-east-1", "api_url": url, "origination_identity": "+15005550006"}
    return sms_provider("aws", KEYS, {**settings, "timeout_seconds": PATIENCE, **told})


@pytest.fixture
def account() -> Aws:
    return Aws()


def error(name: str, reason: str = "", status: int = 400) -> Answer:
    body = {"__type": f"com.amazonaws.smsvoice#{name}", "Message": "about +14155550101"}
    return Answer(status, body | ({"Reason": reason} if reason else {}))


def sending(server: HttpServer, *numbers: int, **told: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(server.url, **told), [text(number) for number in numbers])


class TestAws(SmsProviderContract, FailingSmsContract):
    @pytest.fixture
    def provider(self, server: HttpServer) -> SmsProvider:
        self.server = server
        return connect(server.url)

    @pytest.fixture
    def down(self) -> SmsProvider:
        return connect(f"http://127.0.0.1:{free_port()}")

    def received(self) -> Sequence[tuple[str, str]]:
        asked = [request.json() for request in self.server.requests if "SendTextMessage" in str(request.headers)]
        return [(each["DestinationPhoneNumber"], each["MessageBody"]) for each in asked]


def test_asks_with_our_reference_and_the_keys_of_this_connection_alone(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "other")

    sending(server, 1, configuration_set="reports")

    (request,) = server.requests
    assert request.json() == {
        "DestinationPhoneNumber": "+14155550101", "OriginationIdentity": "+15005550006", "MessageBody": text().body,
        "MessageType": "PROMOTIONAL", "ConfigurationSetName": "reports", "Context": {"winback": "ref-1"},
    }  # fmt: skip
    assert "AKIDMINE" in request.headers["Authorization"]
    assert "us-east-1" in request.headers["Authorization"]
    assert "X-Amz-Security-Token" not in request.headers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"), "opted_out_at_provider"),
        (error("ValidationException", "COUNTRY_NOT_ENABLED"), "region_not_enabled"),
        (error("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"), "region_not_enabled"),
    ],
)
def test_a_recipient_refused_concerns_nobody_else(
    account: Aws, server: HttpServer, answer: Answer, reason: str
) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2)

    assert trouble is None
    assert hearing.became(1, 2) == ["refused", "handed_over"]
    assert hearing.code_of("ref-1") == reason
    assert "4155550101" not in hearing.detail_of("ref-1")


@pytest.mark.parametrize(
    ("answer", "became", "kind"),
    [
        (error("ThrottlingException"), "not_left", ProviderTrouble),
        (error("AccessDeniedException", "ACCOUNT_DISABLED"), "not_left", ProviderMisconfigured),
        (error("ResourceNotFoundException"), "not_left", ProviderMisconfigured),
        (error("ServiceQuotaExceededException"), "not_left", ProviderMisconfigured),
        (error("ConflictException", "MESSAGE_TYPE_MISMATCH"), "not_left", ProviderMisconfigured),
        (error("UnrecognizedClientException", status=403), "not_left", ProviderMisconfigured),
        (error("InternalServerException", status=500), "unknown", OutcomeUnknown),
        (Answer(503, b"busy"), "unknown", OutcomeUnknown),
        (Answer(cut=True), "unknown", OutcomeUnknown),
        (Answer(hang=3), "unknown", OutcomeUnknown),
        (Answer(200, b"<html>"), "unknown", OutcomeUnknown),
    ],
    ids=["rate", "disabled", "no sender", "quota", "type", "keys", "500", "503", "cut", "silence", "no JSON"],
)
def test_the_accounts_trouble_uses_up_nobody(
    account: Aws, server: HttpServer, answer: Answer, became: str, kind: type[Exception]
) -> None:
    account.script = [answer]

    hearing, trouble = sending(server, 1, 2, timeout_seconds=answer.patience)

    assert type(trouble) is kind
    assert hearing.became(1, 2) == [became, "untouched"]
    assert len(server.requests) == 1, "never sent again by itself"


def test_what_is_wrong_with_everybody_is_the_connections_trouble(account: Aws, server: HttpServer) -> None:
    account.script = [error("ValidationException", "OTHER")] * 3

    hearing, trouble = sending(server, 1, 2, 3, 4)

    assert type(trouble) is ProviderMisconfigured
    assert hearing.became(1, 2, 3, 4) == ["deferred", "deferred", "not_left", "untouched"]


@pytest.mark.parametrize("told", [{"region": "no region"}, {"origination_identity": "a b"}, {"message_type": "OTHER"}])
def test_a_setting_that_the_service_does_not_know_is_for_a_person(server: HttpServer, told: dict[str, str]) -> None:
    hearing, trouble = sending(server, 1, **told)

    assert isinstance(trouble, ProviderMisconfigured) or hearing.of("ref-1") in ("handed_over", "deferred")
    assert hearing.of("ref-1") != "unknown"


class TestProbe:
    def test_says_that_the_sandbox_writes_to_few(self, account: Aws, server: HttpServer) -> None:
        account.tier = "SANDBOX"

        assert "verified numbers" in connect(server.url).probe().detail

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (error("UnrecognizedClientException", status=403), "misconfigured"),
            (error("ThrottlingException"), "does_not_answer"),
            (Answer(503, b"busy"), "does_not_answer"),
        ],
    )
    def test_tells_a_wrong_key_from_a_bad_minute(
        self, account: Aws, server: HttpServer, answer: Answer, code: str
    ) -> None:
        account.script = [answer]

        assert connect(server.url).probe().code == code


def test_boto_is_not_loaded_before_a_text_is_sent() -> None:
    asked = "import sys, winback.providers.registry; sys.exit('boto3' in sys.modules)"
    code = f"import django.conf; django.conf.settings.configure(); {asked}"
    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0


def notification(message: Any, **changes: str) -> Arrival:
    body = {
        "Type": "Notification", "MessageId": "n-1", "TopicArn": TOPIC, "Message": json.dumps(message),
        "Timestamp": NOW.isoformat(), "SignatureVersion": "2", "Signature": "AAAA",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
    } | changes  # fmt: skip
    headers = {"x-amz-sns-message-type": body["Type"], "content-type": "text/plain"}
    return Arrival("https://book.example.com/hooks/aws/abc/", headers, json.dumps(body).encode(), NOW)


def event(kind: str, **changes: Any) -> dict[str, Any]:
    return {
        "eventType": kind, "eventVersion": "1.0", "eventTimestamp": int(NOW.timestamp() * 1000), "isFinal": True,
        "originationPhoneNumber": "+15005550006", "destinationPhoneNumber": "+13125550182", "messageId": "m-1",
        "messageStatus": kind.removeprefix("TEXT_"), "messageStatusDescription": "as the carrier says",
        "context": {"winback": "wb-12"},
    } | changes  # fmt: skip


class TestReports:
    @pytest.mark.parametrize(
        ("kind", "became", "bounce"),
        [
            ("TEXT_QUEUED", "accepted", "unknown"), ("TEXT_SUCCESSFUL", "accepted", "unknown"),
            ("TEXT_DELIVERED", "delivered", "unknown"), ("TEXT_INVALID", "bounced", "hard"),
            ("TEXT_UNREACHABLE", "bounced", "soft"), ("TEXT_CARRIER_BLOCKED", "bounced", "blocked"),
            ("TEXT_SPAM", "bounced", "blocked"), ("TEXT_INVALID_MESSAGE", "failed", "content"),
            ("TEXT_UNKNOWN", "failed", "unknown"),
        ],
    )  # fmt: skip
    def test_an_event_is_a_report_about_our_reference(self, kind: str, became: str, bounce: str) -> None:
        (report,) = connect("").read(notification(event(kind)))

        assert (report.kind, report.bounce, report.reference) == (became, bounce, "wb-12")
        assert (report.key, report.occurred_at, report.provider_id) == (f"m-1-{kind}", NOW, "m-1")

    def test_it_may_come_by_eventbridge(self) -> None:
        wrapped = {"version": "0", "source": "aws.sms-voice", "detail": event("TEXT_DELIVERED")}

        (report,) = connect("").read(notification(wrapped))

        assert report.kind is ReportKind.DELIVERED

    def test_a_text_is_a_reply(self) -> None:
        (report,) = connect("").read(
            notification(
                {
                    "originationNumber": "+13125550182", "destinationNumber": "+15005550006", "messageKeyword": "K",
                    "messageBody": "Stop", "inboundMessageId": "in-1", "previousPublishedMessageId": "m-1",
                }
            )
        )  # fmt: skip

        assert (report.kind, report.key, report.text) == (ReportKind.REPLIED, "in-in-1", "Stop")
        assert (report.address, report.sent_to) == ("+13125550182", "+15005550006")

    @pytest.mark.parametrize("message", ["no JSON", [], {"eventType": "TEXT_EXPLODED", "messageId": "1"}, {}])
    def test_what_cannot_be_read_is_kept_for_a_person(self, message: Any) -> None:
        with pytest.raises(NotUnderstood):
            connect("").read(notification(message))

    def test_what_sns_says_of_the_subscription_reports_nothing(self) -> None:
        assert list(connect("").read(notification({}, Type="SubscriptionConfirmation"))) == []

    @pytest.mark.parametrize(
        ("arrival", "topics"),
        [
            (notification(event("TEXT_DELIVERED")), TOPIC),
            (notification(event("TEXT_DELIVERED")), ""),
            (notification(event("TEXT_DELIVERED"), TopicArn="arn:aws:sns:us-east-1:666:evil"), TOPIC),
            (notification(event("TEXT_DELIVERED"), SigningCertURL="https://evil.example.com/x.pem"), TOPIC),
            (Arrival("https://x/", {}, b"", NOW), TOPIC),
            (Arrival("https://x/", {}, b"{}", NOW, "GET"), TOPIC),
        ],
        ids=["signature", "no topics", "another topic", "certificate", "empty", "GET"],
    )
    def test_nothing_is_believed_that_amazon_did_not_sign_for_a_topic_of_ours(
        self, arrival: Arrival, topics: str
    ) -> None:
        provider = connect("", topic_arns=topics)
        assert isinstance(provider, AwsProvider)
        provider.fetch_certificate = _no_certificate

        with pytest.raises(NotAuthentic):
            provider.authenticate(arrival)


def _no_certificate(url: str) -> bytes:
    assert sns.is_amazons(url)
    return b"-----BEGIN CERTIFICATE-----"
