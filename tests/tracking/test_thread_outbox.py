"""Answers by text on their way: once, in time, and with the same care as messages."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from campaigns.delivery import intents
from campaigns.tracking import thread_outbox, threads
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect, open_provider
from tenants.connections.hooks import url_of
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.texting import NUMBER, answers, sms_connection, text, written_to
from winback.providers.receiving import Report, ReportKind
from winback.providers.sms.base import OutgoingSms, SmsProvider
from winback.providers.sms.fake import FakeSmsProvider


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeSmsProvider.sent.clear()
    yield
    FakeSmsProvider.sent.clear()


def planned_reply(tenant: Tenant, **options: str) -> ThreadText:
    """A reply by staff that has not left."""
    written_to(tenant)
    sms_connection(tenant, **options)
    text(tenant, "Do you have time on Friday?")
    conversation = Conversation.objects.for_tenant(tenant).get()
    return threads.reply(conversation, "Friday at 9 works.", actor="user 1", now=NOW)


def begun(planned: ThreadText, *, lease_over: bool = True) -> ThreadText:
    """As a process leaves it that died while it handed it over."""
    planned.state, planned.claim_token = ThreadText.State.HANDING_OVER, uuid4()
    planned.lease_until = NOW - timedelta(days=365) if lease_over else NOW + timedelta(days=36_500)
    planned.save()
    return planned


def test_a_reply_leaves_once(tenant: Tenant) -> None:
    planned = planned_reply(tenant)

    assert answers(tenant) == [(NUMBER, "Friday at 9 works.")]
    assert answers(tenant, now=NOW + timedelta(hours=1)) == []
    planned.refresh_from_db()
    assert (planned.state, planned.handed_over_at, planned.segments) == ("handed_over", NOW, 1)
    assert planned.provider_id == f"fake-wr-{planned.pk}"


def test_what_a_dead_process_may_have_sent_is_never_sent_again(tenant: Tenant) -> None:
    planned = begun(planned_reply(tenant))

    assert answers(tenant) == []
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("unknown", "process_died_while_handing_over")


@pytest.mark.parametrize(
    ("journalled", "state", "leaves"),
    [("", "handed_over", 1), ("s", "unknown", 0), ("o", "handed_over", 0), ("r", "failed", 0), ("n", "handed_over", 1)],
)
def test_the_journal_tells_what_became_of_it(tenant: Tenant, journalled: str, state: str, leaves: int) -> None:
    planned = begun(planned_reply(tenant))
    claim = planned.claim_token
    assert claim is not None
    said: dict[str, Callable[[intents.IntentFile], None]] = {
        "o": lambda journal: journal.handed_over(planned.pk, "SM1"),
        "r": lambda journal: journal.refused(planned.pk, "number_unknown"),
        "n": lambda journal: journal.not_left(planned.pk),
    }

    def die() -> None:
        with intents.writing(claim) as journal:
            if journalled:
                journal.starting(planned.pk)
            if journalled in said:
                said[journalled](journal)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        die()

    # What had not left is due again right away.
    left = [*answers(tenant), *answers(tenant, now=NOW + timedelta(minutes=2))]

    planned.refresh_from_db()
    assert (planned.state, len(left)) == (state, leaves)


def test_what_another_process_is_handing_over_is_left_alone(tenant: Tenant) -> None:
    begun(planned_reply(tenant), lease_over=False)

    assert answers(tenant) == []
    assert ThreadText.objects.for_tenant(tenant).get(kind="reply").state == "handing_over"


@pytest.mark.parametrize(
    ("fails", "state", "connection"),
    [
        ("trouble", "planned", "paused"),
        ("misconfigured", "planned", "paused"),
        ("unknown", "unknown", "paused"),
        ("refuse", "failed", "active"),
        ("defer", "planned", "active"),
    ],
)
def test_what_the_provider_says_decides(tenant: Tenant, fails: str, state: str, connection: str) -> None:
    planned = planned_reply(tenant, fail=fails)

    assert answers(tenant) == []

    planned.refresh_from_db()
    assert planned.state == state
    assert Connection.objects.for_tenant(tenant).get().state == connection


def test_it_waits_while_no_connection_is_in_use_and_leaves_then(tenant: Tenant) -> None:
    planned_reply(tenant)
    Connection.objects.for_tenant(tenant).update(state="paused")

    assert answers(tenant) == []
    Connection.objects.for_tenant(tenant).update(state="active")
    assert len(answers(tenant)) == 1


def test_a_stop_that_comes_first_holds_a_reply_back(tenant: Tenant) -> None:
    planned = planned_reply(tenant)
    text(tenant, "STOP")

    left = answers(tenant)

    planned.refresh_from_db()
    assert planned.state == "blocked"
    assert [body for _, body in left if "Friday" in body] == []


def test_a_suspended_business_sends_none(tenant: Tenant) -> None:
    planned_reply(tenant)
    tenant.state = Tenant.State.SUSPENDED
    tenant.save()

    assert answers(tenant) == []


def test_the_schedule_finds_whose_answers_are_due(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    planned_reply(ours)
    sms_connection(theirs)

    assert thread_outbox.tenants_with_due(now=NOW) == [ours.pk]


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (["delivered"], "delivered"),
        (["delivered", "accepted", "failed"], "delivered"),
        (["failed", "delivered"], "failed"),
        (["accepted"], "handed_over"),
        (["opened"], "handed_over"),
    ],
)
def test_reports_move_it_on_and_never_back(tenant: Tenant, reports: list[str], state: str) -> None:
    planned = planned_reply(tenant)
    answers(tenant)

    for kind in reports:
        report = Report(ReportKind(kind), key=kind, reference=f"wr-{planned.pk}", code="30003")
        assert thread_outbox.is_ours(report.reference)
        thread_outbox.apply_report(tenant, report=report, now=NOW)

    planned.refresh_from_db()
    assert planned.state == state


@pytest.mark.parametrize("reference", ["wb-1", "wr-", "wr-x", "", "wr-99999999999999999999"])
def test_a_reference_of_something_else_is_not_ours(reference: str) -> None:
    assert not thread_outbox.is_ours(reference)


def test_a_connection_tells_its_provider_where_to_report(tenant: Tenant) -> None:
    told = {"account_sid": "AC1", "auth_token": "t", "from_number": "+15005550006"}
    connection = connect(tenant, kind="sms", provider="twilio", now=NOW, actor="test", credentials=told)

    provider = open_provider(connection)

    assert isinstance(provider, SmsProvider)
    callback = provider.callback_for(OutgoingSms("wr-1", NUMBER, "Hi"))
    assert callback == f"{url_of(connection)}?reference=wr-1"
    assert callback.startswith("https://book.example.com/hooks/twilio/")
