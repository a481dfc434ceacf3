"""Merging two contacts from the console: both are shown before, and nobody of another business is found."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import Contact
from tenants.access.models import User
from tenants.journal.models import AuditEntry
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for, acting_for_all

Browse = Callable[[User], Client]
LIST = "/console/campaigns/contact/"


@pytest.fixture
def twin(ours: Business) -> Contact:
    with acting_for(ours.tenant.pk):
        return factories.make_contact(ours.tenant, first_name="Twin", external_id="twin")


def page(contact: Contact) -> str:
    return address(Contact, "merge", contact.pk)


def state(contact: Contact) -> str:
    with acting_for_all("test"):
        return Contact.objects.get(pk=contact.pk).state


def test_two_of_the_list_lead_to_the_page_that_shows_both(ours: Business, twin: Contact, browse: Browse) -> None:
    contact, client = ours.rows["contact"], browse(ours.people["operator"])
    fields = {"action": "merge_selected", "_selected_action": [contact.pk, twin.pk]}

    asked = client.post(LIST, fields, follow=True).content.decode()

    assert f'value="#{twin.pk}"' in asked
    assert "Look at both" in asked
    assert state(contact) == state(twin) == "active"


def test_one_or_three_of_the_list_are_refused(ours: Business, twin: Contact, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        third = factories.make_contact(ours.tenant)

    for chosen in ([twin.pk], [twin.pk, third.pk, ours.rows["contact"].pk]):
        fields = {"action": "merge_selected", "_selected_action": chosen}
        shown = browse(ours.people["operator"]).post(LIST, fields, follow=True).content.decode()
        assert "exactly two contacts" in shown


@pytest.mark.parametrize(("stays", "goes"), [("this", "twin"), ("other", "contact")])
def test_it_shows_who_stays_and_who_goes_and_merges_once_confirmed(
    stays: str, goes: str, ours: Business, twin: Contact, browse: Browse
) -> None:
    contact, client = ours.rows["contact"], browse(ours.people["operator"])
    fields = {"other": "twin", "stays": stays}

    shown = client.post(page(contact), fields).content.decode()

    assert "It cannot be taken back." in shown
    assert f"Goes: {twin if goes == 'twin' else contact}" in shown
    assert state(contact) == state(twin) == "active"
    done = client.post(page(contact), fields | {"other": f"#{twin.pk}", "confirmed": "yes"})
    assert done.status_code == 302
    gone, kept = (twin, contact) if goes == "twin" else (contact, twin)
    assert (state(gone), state(kept)) == ("merged", "active")
    assert done.headers["Location"] == address(Contact, "change", kept.pk)
    with acting_for(ours.tenant.pk):
        actor = AuditEntry.objects.for_tenant(ours.tenant).get(action="contact.merged").actor
    assert actor == f"user {ours.people['operator'].pk}"


def test_different_arms_are_pointed_out(ours: Business, twin: Contact, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        known = Assignment.objects.for_tenant(ours.tenant).filter(contact=ours.rows["contact"]).get()
        other = "held_out" if known.arm == "treated" else "treated"
        Assignment.objects.create(
            tenant=ours.tenant, contact=twin, household_key="h", share=2_000, arm=other, drawn_at=factories.NOW
        )

    shown = browse(ours.people["operator"]).post(page(twin), {"other": f"#{ours.rows['contact'].pk}", "stays": "this"})

    assert "different sides of the experiment" in shown.content.decode()


def test_nobody_of_theirs_is_found_or_merged(ours: Business, theirs: Business, twin: Contact, browse: Browse) -> None:
    stranger, client = theirs.rows["contact"], browse(ours.people["owner"])

    for name in (f"#{stranger.pk}", stranger.email):
        answer = client.post(page(twin), {"other": name, "stays": "this", "confirmed": "yes"})
        assert answer.status_code == 422
        assert "There is no other contact" in answer.content.decode()
    assert client.post(page(stranger), {"other": "twin", "stays": "this", "confirmed": "yes"}).status_code == 404
    assert state(stranger) == state(twin) == "active"


def test_an_analyst_merges_nobody(ours: Business, twin: Contact, browse: Browse) -> None:
    client, contact = browse(ours.people["analyst"]), ours.rows["contact"]

    fields: dict[str, Any] = {"other": "twin", "stays": "this", "confirmed": "yes"}
    assert client.post(page(contact), fields).status_code == 403
    client.post(LIST, {"action": "merge_selected", "_selected_action": [contact.pk, twin.pk]})

    assert "Merge" not in client.get(address(Contact, "change", contact.pk)).content.decode()
    assert state(contact) == state(twin) == "active"
