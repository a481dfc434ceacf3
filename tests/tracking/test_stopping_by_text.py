"""Somebody texts that they want no more: in any words, for every number that is theirs, at once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.operating.explaining import explain
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking.models import Interaction
from campaigns.tracking.thread_models import ThreadText
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories
from tests.factories import NOW
from tests.tracking.texting import NUMBER, also_at, answers, conversation, in_force, sms_connection, text, written_to
from winback.providers.sms.fake import FakeSmsProvider


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeSmsProvider.sent.clear()
    yield
    FakeSmsProvider.sent.clear()


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
