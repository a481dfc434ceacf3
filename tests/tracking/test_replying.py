"""Somebody texts back: what is kept, what stops, and the one text that they get."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Consent, Contact, ContactTag, Suppression
from campaigns.audience.suppressing import suppress
from campaigns.operating.explaining import explain
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking.models import Interaction
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories
from tests.factories import NOW
from tests.tracking.texting import NUMBER, also_at, answers, sms_connection, text, written_to
from winback.providers.sms.fake import FakeSmsProvider
from winback.tenancy import acting_for


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeSmsProvider.sent.clear()
    yield
    FakeSmsProvider.sent.clear()


def in_force(tenant: Tenant) -> set[tuple[str, str]]:
    rows = Suppression.objects.for_tenant(tenant).filter(lifted_at=None)
    return set(rows.values_list("channel", "reason"))


def conversation(tenant: Tenant) -> Conversation:
    return Conversation.objects.for_tenant(tenant).get()


class TestStop:
    def test_it_stops_the_texts_of_the_whole_business_at_once(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        sms_connection(tenant)

        received = text(tenant, "S.T.O.P")

        assert received.meaning == "opt_out"
        assert in_force(tenant) == {("sms", "unsubscribed")}
        enrolment = Enrolment.objects.for_tenant(tenant).get()
        assert (enrolment.state, enrolment.ended_by) == ("ended", "opt_out")
        assert Message.objects.for_tenant(tenant).filter(state=Message.State.CANCELLED).count() == 1
        kinds = Interaction.objects.for_tenant(tenant).values_list("kind", "message_id")
        assert sorted(kinds) == [("replied", message.pk), ("unsubscribed", message.pk)]
        kept = Event.objects.for_tenant(tenant).values_list("kind", flat=True)
        assert {"text.received", "contact.suppressed", "contact.unsubscribed", "enrolment.ended"} <= set(kept)
        understood = Event.objects.for_tenant(tenant).get(kind="text.received").data
        assert understood == {"meaning": "opt_out", "rule": understood["rule"], "wordings": 1}
        assert conversation(tenant).state == "done"

    def test_exactly_one_confirmation_leaves_and_says_nothing_else(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)
        text(tenant, "STOP", key="in-SM1")
        text(tenant, "STOP", key="in-SM1")

        first = answers(tenant)
        text(tenant, "STOP!!!", now=NOW + timedelta(minutes=1))

        assert [number for number, _ in first] == [NUMBER]
        assert "opted out" in first[0][1]
        assert tenant.name in first[0][1]
        assert "http" not in first[0][1]
        assert answers(tenant, now=NOW + timedelta(minutes=1)) == []

    def test_no_confirmation_where_the_provider_has_answered(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "Stop", answered_by_provider="STOP")

        assert in_force(tenant) == {("sms", "unsubscribed")}
        assert answers(tenant) == []

    def test_a_confirmation_that_would_come_late_does_not_leave(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)
        text(tenant, "STOP")

        assert answers(tenant, now=NOW + timedelta(minutes=5)) == []
        assert ThreadText.objects.for_tenant(tenant).get(kind="stop_confirmation").state == "expired"

    def test_a_report_that_comes_late_stops_and_confirms_nothing(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "STOP", occurred_at=NOW - timedelta(hours=1))

        assert in_force(tenant) == {("sms", "unsubscribed")}
        assert answers(tenant) == []

    def test_from_a_number_that_nobody_has_it_counts_all_the_same(self, tenant: Tenant) -> None:
        factories.make_campaign(tenant)
        sms_connection(tenant)

        received = text(tenant, "unsubscribe")

        assert received.contact_ids == ()
        assert Suppression.objects.for_tenant(tenant).get().address_hmac == address_hmac(NUMBER)
        late = also_at(tenant)
        assert explain(tenant, late, now=NOW)["writable"]["sms"]["allowed"] is False
        assert len(answers(tenant)) == 1

    def test_whoever_shares_the_number_is_stopped_too(self, tenant: Tenant) -> None:
        written_to(tenant)
        other = also_at(tenant)
        campaign = Enrolment.objects.for_tenant(tenant).get().campaign
        factories.make_enrolment(factories.make_episode(other), campaign)
        sms_connection(tenant)

        received = text(tenant, "stop")

        assert len(received.contact_ids) == 2
        assert not Enrolment.objects.for_tenant(tenant).filter(state="active").exists()
        assert Interaction.objects.for_tenant(tenant).filter(kind="replied").count() == 2

    def test_the_number_that_was_written_to_stays_stopped_when_a_file_brings_it_back(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        Message.objects.filter(pk=message.pk).update(address_hmac=address_hmac("+13125550199"))
        sms_connection(tenant)

        text(tenant, "STOP")

        rows = Suppression.objects.for_tenant(tenant).filter(channel="sms", reason="unsubscribed", lifted_at=None)
        assert {row.address_hmac for row in rows} == {address_hmac(NUMBER), address_hmac("+13125550199")}
        back = also_at(tenant, number="+13125550199")
        assert "suppressed" in explain(tenant, back, now=NOW)["writable"]["sms"]["reasons"]

    def test_whoever_was_merged_into_another_stops_the_texts_to_both_numbers(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        winner = also_at(tenant, number="+13125550199")
        Contact.objects.filter(pk=message.contact_id).update(state="merged", merged_into=winner)
        sms_connection(tenant)

        text(tenant, "STOP")

        assert "suppressed" in explain(tenant, winner, now=NOW)["writable"]["sms"]["reasons"]

    def test_a_wrong_number_says_nothing_of_the_persons_other_numbers(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        Message.objects.filter(pk=message.pk).update(address_hmac=address_hmac("+13125550199"))
        sms_connection(tenant)

        text(tenant, "Wrong number")

        (row,) = Suppression.objects.for_tenant(tenant).filter(lifted_at=None)
        assert (row.reason, row.address_hmac) == ("wrong_person", address_hmac(NUMBER))

    def test_it_takes_the_place_of_what_only_waited_for_a_decision(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "not interested")
        text(tenant, "STOP")

        assert in_force(tenant) == {("sms", "unsubscribed")}
        assert conversation(tenant).state == "done"


class TestStart:
    def test_it_takes_back_the_persons_own_stop_and_no_more(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        sms_connection(tenant)
        suppress(tenant, channel="email", contact=message.contact, reason="unsubscribed", source="page", now=NOW)
        text(tenant, "STOP")
        answers(tenant)

        text(tenant, "Start")

        assert in_force(tenant) == {("email", "unsubscribed")}
        assert Consent.objects.for_tenant(tenant).count() == 0
        ((_, body),) = answers(tenant)
        assert "again" in body

    @pytest.mark.parametrize("reason", ["complained", "wrong_person", "asked_by_person", "number_unknown"])
    def test_what_others_had_reason_to_stop_stays(self, tenant: Tenant, reason: str) -> None:
        message = written_to(tenant)
        sms_connection(tenant)
        suppress(tenant, channel="sms", contact=message.contact, reason=reason, source="staff", now=NOW)

        text(tenant, "START")

        assert in_force(tenant) == {("sms", reason)}
        assert answers(tenant) == []

    def test_yes_takes_back_a_stop(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)
        text(tenant, "STOP")

        assert text(tenant, "YES").meaning == "start"
        assert in_force(tenant) == set()

    def test_yes_of_anybody_else_is_an_answer_for_a_person(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        assert text(tenant, "YES").meaning == "other"
        assert conversation(tenant).state == "waiting"

    def test_a_confirmation_of_the_stop_that_has_not_left_is_overtaken(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)
        text(tenant, "STOP")
        text(tenant, "START")

        ((_, body),) = answers(tenant)

        assert "again" in body
        assert "opted out" not in body


class TestHelp:
    def test_it_is_answered_once_a_day(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "HELP")
        text(tenant, "help?", now=NOW + timedelta(hours=2))
        first = answers(tenant)
        text(tenant, "HELP", now=NOW + timedelta(days=1))

        assert len(first) == 1
        assert "STOP" in first[0][1]
        assert len(answers(tenant, now=NOW + timedelta(days=1))) == 1
        assert Enrolment.objects.for_tenant(tenant).get().state == "active"

    def test_not_where_the_provider_has(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "HELP", answered_by_provider="HELP")

        assert answers(tenant) == []


class TestOthers:
    def test_an_answer_ends_the_sequence_and_waits_for_a_person(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        sms_connection(tenant)

        text(tenant, "Can I stop by tomorrow?")

        kept = conversation(tenant)
        assert (kept.state, kept.waiting_since, kept.contact_id) == ("waiting", NOW, message.contact_id)
        assert kept.message_id == message.pk
        assert Enrolment.objects.for_tenant(tenant).get().ended_by == "reply"
        assert in_force(tenant) == set()
        assert answers(tenant) == []

    def test_the_clock_runs_from_the_first_text_that_nobody_answered(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "Hello?")
        text(tenant, "Anybody there?", now=NOW + timedelta(hours=3))

        assert conversation(tenant).waiting_since == NOW
        assert conversation(tenant).last_at == NOW + timedelta(hours=3)

    def test_what_may_be_a_stop_holds_everything_until_somebody_decides(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        sms_connection(tenant)

        text(tenant, "not interested")

        assert in_force(tenant) == {("all", "reply_unclear")}
        writable = explain(tenant, message.contact, now=NOW)["writable"]
        assert [answer["allowed"] for answer in writable.values()] == [False, False]
        assert conversation(tenant).state == "unclear"

    def test_a_wrong_number_gets_no_more_texts_and_the_customer_is_flagged(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        text(tenant, "Sorry, wrong number")

        assert in_force(tenant) == {("sms", "wrong_person")}
        assert ContactTag.objects.for_tenant(tenant).get().name == "winback:wrong_number"
        assert Enrolment.objects.for_tenant(tenant).get().state == "active", "the customer still gets e-mail"
        assert answers(tenant) == []

    def test_a_merged_contact_answers_for_whom_it_was_merged_into(self, tenant: Tenant) -> None:
        message = written_to(tenant)
        winner = factories.make_contact(tenant)
        Contact.objects.filter(pk=message.contact_id).update(state="merged", merged_into=winner)
        sms_connection(tenant)

        assert text(tenant, "hello").contact_ids == (winner.pk,)

    def test_the_same_report_twice_is_one_text(self, tenant: Tenant) -> None:
        written_to(tenant)
        sms_connection(tenant)

        assert text(tenant, "hello", key="in-SM7").new is True
        assert text(tenant, "hello", key="in-SM7").new is False
        assert ThreadText.objects.for_tenant(tenant).count() == 1

    def test_a_name_or_a_short_code_is_kept_too(self, tenant: Tenant) -> None:
        sms_connection(tenant)

        assert text(tenant, "Your code is 1234", address="72345").meaning == "other"
        assert text(tenant, "\x00nul\x00", address="Bank").new is True


def test_another_business_with_the_same_customer_is_not_touched(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    for business in two_tenants:
        written_to(business)
    with acting_for(ours.pk):
        sms_connection(ours)

        text(ours, "STOP")

    assert not Suppression.objects.filter(tenant=theirs).exists()
    assert Enrolment.objects.get(tenant=theirs).state == "active"
    assert not Conversation.objects.filter(tenant=theirs).exists()
