"""Saying no to the counting of opens and clicks, on the page behind an unsubscribe link."""

import pytest
from django.test import Client

from campaigns.audience.models import Consent, Contact, Suppression
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.tracking.making import everything_kept, make_reached, unsubscribe_page

FOLLOW_NO_MORE = {"scope": "following", "follow_no_more": "yes"}


@pytest.fixture
def reached(tenant: Tenant) -> Message:
    return make_reached(tenant)


def test_whoever_will_not_be_followed_says_so_with_one_tick_and_still_gets_the_messages(
    client: Client, reached: Message
) -> None:
    for _ in range(2):
        answered = client.post(unsubscribe_page(reached), FOLLOW_NO_MORE)

        assert answered.status_code == 200
        assert not answered.cookies
    page = answered.content.decode()
    assert "Done. Nobody counts which of our e-mails you open" in page
    assert 'name="follow_no_more"' not in page
    fact = Consent.objects.for_tenant(reached.tenant_id).get()
    assert (fact.channel, fact.purpose, fact.state, fact.recorded_by) == ("email", "tracking", "withdrawn", "person")
    assert (fact.source, fact.evidence) == ("unsubscribe_page", {"message": reached.pk})
    assert not Suppression.objects.exists()
    assert Enrolment.objects.get(pk=reached.enrolment_id).state == "active"


def test_saving_without_the_tick_changes_nothing(client: Client, reached: Message) -> None:
    before = everything_kept()

    page = client.post(unsubscribe_page(reached), {"scope": "following"}).content.decode()

    assert everything_kept() == before
    assert not Consent.objects.exists()
    assert 'name="follow_no_more"' in page


def test_whoever_was_merged_into_another_is_followed_under_neither_name(
    client: Client, reached: Message, tenant: Tenant
) -> None:
    winner = factories.make_contact(tenant)
    Contact.objects.filter(pk=reached.contact_id).update(state=Contact.State.MERGED, merged_into=winner)

    client.post(unsubscribe_page(reached), FOLLOW_NO_MORE)

    said = Consent.objects.for_tenant(tenant).filter(purpose="tracking", state="withdrawn")
    assert set(said.values_list("contact_id", flat=True)) == {reached.contact_id, winner.pk}
