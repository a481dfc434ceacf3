"""Offers kept, and booking requests answered, from the console."""

from collections.abc import Callable

import pytest
from django.test import Client

from campaigns.planning.models import Offer
from campaigns.tracking.models import BookingRequest
from tenants.access.models import User
from tests.console.conftest import Business
from tests.console.walking import address, deed, row_now
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


OFFER = {"name": "$25 off", "code": "spring", "kind": "amount", "value": "25.00", "cost": "25", "terms": "Once."}


def test_money_of_an_offer_is_kept_in_the_smallest_unit(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["manager"])

    client.post("/console/campaigns/offer/add/", OFFER)

    with acting_for(ours.tenant.pk):
        offer = Offer.objects.for_tenant(ours.tenant).get(code="spring")
    assert (offer.value_minor, offer.cost_minor) == (2500, 2500)
    assert 'value="25.00"' in client.get(address(Offer, "change", offer.pk)).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"terms": ""},
        {"value": ""},
        {"value": "25.001"},
        {"kind": "percent", "percent": "0"},
        {"kind": "percent", "percent": "101"},
        {"expires_on": "2020-01-01"},
        {"code": "oakmark-offer"},
    ],
)
def test_an_offer_that_cannot_be_made_is_refused(wrong: dict[str, str], ours: Business, browse: Browse) -> None:
    response = browse(ours.people["manager"]).post("/console/campaigns/offer/add/", OFFER | wrong)

    assert response.status_code == 200
    assert "errorlist" in response.content.decode()


def test_a_changed_offer_leaves_old_and_new_in_the_audit(ours: Business, browse: Browse) -> None:
    offer = ours.rows["offer"]
    fields = OFFER | {"name": "$30 off", "value": "30", "cost": "25", "terms": "Once a customer."}

    browse(ours.people["manager"]).post(address(Offer, "change", offer.pk), fields)

    history = browse(ours.people["analyst"]).get(address(Offer, "history", offer.pk)).content.decode()
    assert "oakmark $25 off → $30 off" in history
    assert ours.people["manager"].email in history


def test_a_booking_request_is_answered_once(ours: Business, browse: Browse) -> None:
    booking = ours.rows["bookingrequest"]
    client = browse(ours.people["operator"])

    client.post(deed(booking, "accept"))
    again = client.post(deed(booking, "decline"), follow=True).content.decode()

    assert row_now(ours, "bookingrequest").state == BookingRequest.State.CONFIRMED
    assert "answered already" in again
