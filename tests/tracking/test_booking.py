"""The booking page: prefilled, forgiving, one request however often the button is pressed."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from campaigns.audience.models import Contact
from campaigns.planning.models import Enrolment, Message, Offer
from campaigns.tracking.models import BookingRequest, Interaction
from catalog.models import Niche
from tenants.accounts.models import Brand, Tenant
from tenants.journal.models import Event
from tests import factories
from tests.tracking.making import booking_page, make_reached
from winback.tenancy import acting_for_all

WISH = {
    "service": "AC tune-up",
    "preferred_on": "2026-10-05",
    "preferred_time": "morning",
    "name": "Robin Reyes",
    "phone": "",
    "email": "",
    "note": "The gate code is 12.",
}


@pytest.fixture
def reached(tenant: Tenant) -> Message:
    return make_reached(tenant, last_name="Reyes", email="robin.reyes@example.com")


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(factories.NOW, tick=False):
        yield


def words(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_the_page_greets_and_knows_the_last_service(client: Client, reached: Message) -> None:
    response = client.get(booking_page(reached))

    page = response.content.decode()
    assert response.status_code == 200
    assert "Good to see you again, Robin" in page
    assert 'value="AC tune-up"' in page
    assert 'value="Robin Reyes"' in page
    assert 'min="2026-09-30"' in page
    assert "<script" not in page


def test_whoever_is_passed_the_link_reads_no_address(client: Client, reached: Message) -> None:
    page = client.get(booking_page(reached)).content.decode()

    assert "robin.reyes@example.com" not in page
    assert "3125550182" not in page
    assert "r…@example.com" in page
    assert "the number ending in 82" in page


def test_a_sensitive_business_shows_no_treatment(client: Client, reached: Message) -> None:
    niche = Niche.objects.get(pk="hvac")
    niche.content["sensitive"] = True
    niche.save()

    assert "AC tune-up" not in client.get(booking_page(reached)).content.decode()


def test_looking_is_a_click_noted_once_and_a_scanner_that_only_asks_for_the_head_is_none(
    client: Client, reached: Message
) -> None:
    client.head(booking_page(reached))
    assert not Interaction.objects.exists()

    for _ in range(3):
        client.get(booking_page(reached))

    assert [row.kind for row in Interaction.objects.all()] == ["clicked"]
    assert Enrolment.objects.get(pk=reached.enrolment_id).state == "active"


def test_asking_for_a_visit_ends_the_sequence(client: Client, reached: Message) -> None:
    response = client.post(booking_page(reached), WISH)

    assert response.status_code == 200
    assert "Thank you. We have your request." in words(response)
    assert "Monday, October 5, 2026" in words(response)
    assert "Time Morning" in words(response)
    request = BookingRequest.objects.get()
    assert (request.service, request.preferred_on, request.preferred_time, request.note) == (
        "AC tune-up", date(2026, 10, 5), "morning", "The gate code is 12.",
    )  # fmt: skip
    assert (request.phone, request.email) == ("+13125550182", "robin.reyes@example.com"), "those on record"
    assert Enrolment.objects.get(pk=reached.enrolment_id).ended_by == "booking"
    assert Message.objects.get(step_code="nudge").state == "cancelled"
    assert Event.objects.filter(kind="contact.booked").count() == 1
    assert Interaction.objects.filter(kind="booked").count() == 1
    assert not response.cookies


def test_pressing_twice_is_one_request(client: Client, reached: Message) -> None:
    for _ in range(3):
        assert client.post(booking_page(reached), WISH).status_code == 200

    assert BookingRequest.objects.count() == 1
    assert Interaction.objects.filter(kind="booked").count() == 1


def test_another_wish_is_another_request(client: Client, reached: Message) -> None:
    client.post(booking_page(reached), WISH)
    client.post(booking_page(reached), WISH | {"preferred_on": "2026-10-06"})

    assert BookingRequest.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"preferred_on": "2026-09-29"}, "Please choose today or a later day."),
        ({"preferred_on": "yesterday"}, "Enter a valid date."),
        ({"name": ""}, "Please tell us your name."),
        ({"email": "robin@"}, "Enter a valid email address."),
        ({"preferred_time": "midnight"}, "Select a valid choice."),
        ({"note": "x" * 2001}, "Ensure this value has at most 2000 characters"),
    ],
)
def test_a_mistake_is_shown_beside_its_field_and_nothing_typed_is_lost(
    wrong: dict[str, str], said: str, client: Client, reached: Message
) -> None:
    response = client.post(booking_page(reached), WISH | {"service": "Heat pump check"} | wrong)

    page = response.content.decode()
    assert response.status_code == 422
    assert said in page
    assert 'value="Heat pump check"' in page
    assert "The gate code is 12." in page or "note" in wrong
    assert 'aria-invalid="true"' in page
    assert not BookingRequest.objects.exists()
    assert Enrolment.objects.get(pk=reached.enrolment_id).state == "active"


def test_an_empty_post_is_a_mistake_too(client: Client, reached: Message) -> None:
    assert client.post(booking_page(reached)).status_code == 422


def test_somebody_without_any_address_on_record_is_asked_for_one(client: Client, reached: Message) -> None:
    Contact.objects.filter(pk=reached.contact_id).update(email="", email_key=None, phone="", phone_key=None)

    response = client.post(booking_page(reached), WISH)

    assert response.status_code == 422
    assert "Please leave a phone number or an e-mail" in words(response)
    assert client.post(booking_page(reached), WISH | {"phone": "312 555 0100"}).status_code == 200


def test_today_is_today_where_the_business_is(client: Client, reached: Message) -> None:
    """At 2:00 UTC it is still the evening before in Chicago."""
    with time_machine.travel(factories.NOW.replace(hour=2), tick=False):
        assert client.post(booking_page(reached), WISH | {"preferred_on": "2026-09-29"}).status_code == 200


def test_what_a_visitor_types_is_escaped(client: Client, reached: Message) -> None:
    response = client.post(booking_page(reached), WISH | {"service": "<script>alert(1)</script>"})

    assert "<script>alert" not in response.content.decode()
    assert "&lt;script&gt;" in response.content.decode()


def test_a_brands_own_booking_site_is_gone_to_and_the_click_noted(client: Client, reached: Message) -> None:
    Brand.objects.update(booking_url="https://book.oak.example.com/")

    response = client.get(booking_page(reached))

    assert response.status_code == 302
    assert response.headers["Location"] == "https://book.oak.example.com/"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert Interaction.objects.get().kind == "clicked"


def make_offer(message: Message, **fields: Any) -> None:
    offer = Offer.objects.create(
        tenant_id=message.tenant_id, code="back", name="$25 off", kind="amount", coupon="BACK25",
        terms="One per household.", created_at=factories.NOW, **fields,
    )  # fmt: skip
    Message.objects.filter(pk=message.pk).update(offer=offer)


def test_the_offer_and_its_terms_stand_on_the_page(client: Client, reached: Message) -> None:
    make_offer(reached, expires_on=date(2026, 9, 30))

    page = words(client.get(booking_page(reached)))

    assert "$25 off Your code: BACK25 Good until September 30, 2026. One per household." in page
    with time_machine.travel(factories.NOW + timedelta(days=1), tick=False):
        assert "$25 off" not in words(client.get(booking_page(reached)))


def test_the_terms_of_a_texted_offer_are_read_before_going_on(client: Client, tenant: Tenant) -> None:
    texted = make_reached(tenant, channel="sms")
    make_offer(texted)
    Brand.objects.update(booking_url="https://book.oak.example.com/")

    response = client.get(booking_page(texted))

    assert response.status_code == 200
    assert "One per household." in words(response)
    assert 'href="https://book.oak.example.com/" rel="noreferrer"' in response.content.decode()


def test_an_erased_person_has_no_booking_page(client: Client, reached: Message) -> None:
    Contact.objects.filter(pk=reached.contact_id).update(state=Contact.State.ERASED)

    for response in (client.get(booking_page(reached)), client.post(booking_page(reached), WISH)):
        assert response.status_code == 404
    assert not BookingRequest.objects.exists()


def test_whoever_was_merged_books_as_the_one_they_are_now(client: Client, reached: Message, tenant: Tenant) -> None:
    winner = factories.make_contact(tenant, first_name="Robin")
    Contact.objects.filter(pk=reached.contact_id).update(state=Contact.State.MERGED, merged_into=winner)

    assert client.post(booking_page(reached), WISH).status_code == 200

    assert BookingRequest.objects.get().contact_id == winner.pk
    assert Enrolment.objects.get(pk=reached.enrolment_id).ended_by == "booking"


def test_a_booking_stays_with_its_tenant(client: Client, two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = (make_reached(tenant) for tenant in two_tenants)

    client.post(booking_page(ours), WISH)

    assert BookingRequest.objects.get().tenant_id == ours.tenant_id
    assert Enrolment.objects.get(pk=theirs.enrolment_id).state == "active"


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_moment_are_one_request() -> None:
    with acting_for_all("test set-up"):
        page = booking_page(make_reached(factories.make_tenant()))

    def press(_: int) -> int:
        try:
            return Client().post(page, WISH).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [200] * 4

    with acting_for_all("test"):
        assert BookingRequest.objects.count() == 1
        assert Interaction.objects.filter(kind="booked").count() == 1
