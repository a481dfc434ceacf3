"""Somebody texts back, and it is no stop: what is kept, what is answered, and the one text that they get."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from campaigns.audience.models import Consent, Contact, ContactTag, Suppression
from campaigns.audience.suppressing import suppress
from campaigns.operating.explaining import explain
from campaigns.planning.models import Enrolment
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Tenant
from tests import factories
from tests.factories import NOW
from tests.tracking.texting import answers, conversation, in_force, sms_connection, text, written_to
from winback.providers.sms.fake import FakeSmsProvider
from winback.tenancy import acting_for


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeSmsProvider.sent.clear()
    yield
    FakeSmsProvider.sent.clear()


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
