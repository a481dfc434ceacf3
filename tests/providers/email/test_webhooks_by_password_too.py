"""Mailjet and SparkPost: reports believed by a name and a password."""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.providers.email.webhooks import ADDRESS, BLOCKED, CONTENT, HARD, SOFT, ByBasicAuth, Sample
from winback.providers.receiving import ReportKind

ACCEPTED, DELIVERED, DEFERRED = ReportKind.ACCEPTED, ReportKind.DELIVERED, ReportKind.DEFERRED
BOUNCED, FAILED, COMPLAINED = ReportKind.BOUNCED, ReportKind.FAILED, ReportKind.COMPLAINED
UNSUBSCRIBED, OPENED, CLICKED = ReportKind.UNSUBSCRIBED, ReportKind.OPENED, ReportKind.CLICKED
LINK = "https://oak.example.com/book"
USER_UNKNOWN = "550 5.1.1 The email account that you tried to reach does not exist"


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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()

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

    SAMPLES: ClassVar[tuple[Sample, ...]] = ()


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
