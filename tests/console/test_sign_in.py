"""Signing in to the console: who is let in, what is told to those who are not, and where it leads."""

import pytest
from django.test import Client

from tenants.access.models import User
from tenants.access.throttling import MOST_WRONG
from tests.console import furnishing
from tests.console.conftest import Business

PAGE = "/console/login/"


@pytest.fixture
def person(ours: Business) -> User:
    """The operator of our business, with a password."""
    operator = ours.people["operator"]
    operator.set_password(furnishing.PASSWORD)
    operator.save()
    return operator


def _sign_in(client: Client, name: str, password: str = furnishing.PASSWORD, to: str = "/console/") -> int:
    return int(client.post(PAGE, {"username": name, "password": password, "next": to}).status_code)


def test_a_member_signs_in_and_sees_home(person: User, ours: Business, client: Client) -> None:
    assert _sign_in(client, person.username) == 302

    page = client.get("/console/").content.decode()
    assert ours.tenant.name in page
    assert "Sandbox" in page


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(person: User, client: Client) -> None:
    def said(name: str) -> str:
        response = client.post(PAGE, {"username": name, "password": "wrong", "next": "/console/"})
        return response.content.decode().split('role="alert">')[1].split("</p>")[0]

    assert said(person.username) == said("nobody@example.com")


def test_staff_without_a_business_are_told_so(db: None, client: Client) -> None:
    stray = furnishing.make_person("stray@example.com", password=furnishing.PASSWORD)

    response = client.post(PAGE, {"username": stray.username, "password": furnishing.PASSWORD, "next": "/console/"})

    assert "not a member of any business" in response.content.decode()
    client.force_login(stray)
    assert client.get("/console/").status_code == 302


def test_somebody_deactivated_is_not_let_in(person: User, client: Client) -> None:
    client.force_login(person)
    User.objects.filter(pk=person.pk).update(is_active=False)

    assert client.get("/console/campaigns/contact/").status_code == 302


def test_a_next_address_elsewhere_is_not_followed(person: User, client: Client) -> None:
    fields = {"username": person.username, "password": furnishing.PASSWORD, "next": "//evil.example.com/"}

    response = client.post(f"{PAGE}?next=//evil.example.com/", fields)

    assert "evil" not in response.headers["Location"]


def test_the_session_cookie_is_out_of_reach_of_scripts(person: User, client: Client) -> None:
    _sign_in(client, person.username)

    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_every_post_needs_its_token(person: User, ours: Business) -> None:
    client = Client(enforce_csrf_checks=True)

    assert _sign_in(client, person.username) == 403


def test_guessing_is_slowed_for_a_name_and_a_place_but_not_for_everybody(person: User, client: Client) -> None:
    for _ in range(MOST_WRONG):
        _sign_in(client, person.username, "wrong")

    assert _sign_in(client, person.username) == 200  # the right password, too late
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    fields = {"username": person.username, "password": furnishing.PASSWORD, "next": "/console/"}
    assert elsewhere.post(PAGE, fields).status_code == 302


def test_the_right_password_in_time_starts_the_count_anew(person: User, client: Client) -> None:
    for _ in range(3):
        for _ in range(MOST_WRONG - 1):
            _sign_in(client, person.username, "wrong")
        assert _sign_in(client, person.username) == 302
