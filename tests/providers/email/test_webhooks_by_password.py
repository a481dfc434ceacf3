"""Postmark and Brevo: reports believed by a name and a password."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.providers.email.webhooks import ADDRESS, BLOCKED, HARD, SOFT, ByBasicAuth, Sample
from winback.providers.receiving import ReportKind

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()


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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()


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
