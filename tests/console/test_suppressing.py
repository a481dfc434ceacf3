"""Stopping to write to people from the console: by whom, and with what trace."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from campaigns.audience.models import Suppression
from campaigns.planning.models import Enrolment
from tenants.access.models import User
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import audited_actions, deed, row_now
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def test_a_contact_is_stopped_and_its_sequence_ends(ours: Business, browse: Browse) -> None:
    contact = ours.rows["contact"]
    fields = {"channel": "all", "reason": "asked_by_person"}

    browse(ours.people["operator"]).post(deed(contact, "suppress"), fields)

    with acting_for(ours.tenant.pk):
        kept = Suppression.objects.for_tenant(ours.tenant).get(channel="all")
        assert (kept.contact_id, kept.reason) == (contact.pk, "asked_by_person")
    assert row_now(ours, "enrolment").ended_by == Enrolment.EndedBy.STAFF
    assert audited_actions(ours)[-1] == "contact.suppressed"


def test_stopping_several_asks_first_and_says_how_many(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        more = [factories.make_contact(ours.tenant, email_hmac=f"digest-{number}") for number in range(3)]
    client = browse(ours.people["operator"])
    fields = {"action": "suppress_selected", "_selected_action": [contact.pk for contact in more]}

    asked = client.post("/console/campaigns/contact/", fields).content.decode()
    assert "Stop writing to 3 contacts" in asked
    with acting_for(ours.tenant.pk):
        assert not Suppression.objects.for_tenant(ours.tenant).filter(channel="all").exists()

    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked)) | fields
    client.post("/console/campaigns/contact/", hidden)
    with acting_for(ours.tenant.pk):
        assert Suppression.objects.for_tenant(ours.tenant).filter(channel="all").count() == 3


def test_an_analyst_stops_nobody(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["analyst"])
    contact = ours.rows["contact"]

    assert client.post(deed(contact, "suppress"), {"channel": "all", "reason": "staff"}).status_code == 403
    client.post(
        "/console/campaigns/contact/",
        {"action": "suppress_selected", "_selected_action": [contact.pk], "confirmed": "yes"},
    )

    with acting_for(ours.tenant.pk):
        assert not Suppression.objects.for_tenant(ours.tenant).filter(channel="all").exists()


def test_an_address_is_suppressed_once_and_never_shown(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["operator"])
    fields = {"address": "Somebody@Example.com", "channel": "all", "reason": "complained"}

    client.post("/console/campaigns/suppression/add/", fields)
    again = client.post("/console/campaigns/suppression/add/", fields, follow=True).content.decode()
    found = client.get("/console/campaigns/suppression/", {"q": "somebody@example.com"}).content.decode()

    assert "suppressed already" in again
    assert "1 suppression" in found
    with acting_for(ours.tenant.pk):
        assert Suppression.objects.for_tenant(ours.tenant).filter(reason="complained").count() == 1


@pytest.mark.parametrize("address", ["not an address", "555", "a@b"])
def test_what_is_no_address_is_not_suppressed(address: str, ours: Business, browse: Browse) -> None:
    fields = {"address": address, "channel": "all", "reason": "complained"}

    response = browse(ours.people["operator"]).post("/console/campaigns/suppression/add/", fields)

    assert response.status_code == 422


def test_a_manager_lifts_a_suppression_with_a_reason(ours: Business, browse: Browse) -> None:
    suppression = ours.rows["suppression"]
    assert browse(ours.people["operator"]).get(deed(suppression, "lift")).status_code == 403
    client = browse(ours.people["manager"])

    assert client.post(deed(suppression, "lift"), {"note": "because"}).status_code == 422
    client.post(deed(suppression, "lift"), {"note": "Asked at the counter to get e-mail again."})

    lifted = row_now(ours, "suppression")
    assert lifted.lifted_at is not None
    assert lifted.lifted_by == f"user {ours.people['manager'].pk}"
