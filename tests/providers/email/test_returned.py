"""What a mail that came back reports: delivery reports and complaints, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.email.returning import VACATION, delivery_report, feedback_report
from winback.providers.email import returned
from winback.providers.receiving import BounceClass, NotUnderstood, ReportKind


@pytest.mark.parametrize("kept", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_is_read_with_our_reference(kept: str) -> None:
    (report,) = returned.read(delivery_report(returned=kept))

    assert (report.kind, report.reference, report.address) == (ReportKind.BOUNCED, "wb-7", "robin@example.com")
    assert (report.bounce, report.code) == (BounceClass.HARD, "5.1.1")
    assert report.occurred_at is not None


@pytest.mark.parametrize(
    ("status", "diagnostic", "bounce"),
    [
        ("5.2.2", "552 5.2.2 Over quota", BounceClass.SOFT),
        ("5.7.1", "550 5.7.1 Blocked", BounceClass.BLOCKED),
        ("4.4.1", "connect to mail.example.com: Connection timed out", BounceClass.SOFT),
        ("5.0.0", "550 User unknown", BounceClass.HARD),
        ("5.0.0", "see above", BounceClass.UNKNOWN),
    ],
)
def test_whose_fault_it_is_is_told_by_the_status(status: str, diagnostic: str, bounce: BounceClass) -> None:
    (report,) = returned.read(delivery_report(status=status, diagnostic=diagnostic))

    assert report.bounce is bounce


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", ""])
def test_a_delay_is_no_bounce(action: str) -> None:
    assert returned.read(delivery_report(action=action, status="5.1.1")) == []


def test_a_receipt_is_a_delivery() -> None:
    (report,) = returned.read(delivery_report(action="delivered", status="2.0.0", diagnostic="250 ok"))

    assert report.kind is ReportKind.DELIVERED


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [("abuse", ReportKind.COMPLAINED), ("fraud", ReportKind.COMPLAINED), ("opt-out", ReportKind.UNSUBSCRIBED)],
)
def test_a_complaint_is_read(kind: str, meaning: ReportKind) -> None:
    (report,) = returned.read(feedback_report(kind=kind))

    assert (report.kind, report.reference, report.address) == (meaning, "wb-7", "robin@example.com")


@pytest.mark.parametrize(
    "mail", [feedback_report(kind="auth-failure"), feedback_report(kind="not-spam"), VACATION, b""]
)
def test_what_says_nothing_for_certain_is_no_report(mail: bytes) -> None:
    assert returned.read(mail) == []


def test_the_same_mail_reports_the_same_each_time() -> None:
    assert returned.read(delivery_report()) == returned.read(delivery_report())


@given(st.binary(max_size=400), st.integers(0, 900))
def test_reads_or_refuses_anything(noise: bytes, place: int) -> None:
    mail = delivery_report()
    try:
        found = returned.read(mail[:place] + noise + mail[place:])
    except NotUnderstood:
        return

    assert all(report.kind in ReportKind for report in found)
