"""Whose opens and clicks may be counted: by brand, by place, by person, and by the law where nothing was said."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Contact
from campaigns.compliance import following
from tenants.accounts.models import Brand, Tenant
from tests import factories

NOW = factories.NOW
TODAY = date(2026, 9, 30)
DAY = timedelta(days=1)
ON: dict[str, Any] = {
    "tracks_clicks": True, "tracks_opens": False, "not_followed_in": [], "country": "US", "region": "IL", "said": None,
}  # fmt: skip


def answer(**facts: Any) -> tuple[bool, str, str]:
    found = following.judge(ON | facts, on=TODAY)
    return found.allowed, found.reason, found.rule


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, (True, "", "")),
        ({"tracks_clicks": False}, (False, "tracking_off", "")),
        ({"tracks_clicks": False, "tracks_opens": True}, (True, "", "")),
        ({"said": "withdrawn"}, (False, "tracking_withdrawn", "")),
        ({"country": "DE"}, (False, "tracking_not_agreed", "eprivacy-eu")),
        ({"country": "no"}, (False, "tracking_not_agreed", "eprivacy-efta")),
        ({"country": "GB"}, (False, "tracking_not_agreed", "pecr-gb")),
        ({"country": "DE", "said": "given"}, (True, "", "")),
        ({"country": "CA"}, (True, "", "")),
    ],
)
def test_without_a_word_the_law_of_the_place_decides_and_a_word_decides_before_it(
    facts: dict[str, Any], expected: tuple[bool, str, str]
) -> None:
    assert answer(**facts) == expected


@pytest.mark.parametrize(
    ("places", "country", "region", "followed"),
    [
        (["FR"], "FR", "", False),
        (["FR"], "DE", "", True),
        (["EU"], "FR", "", False),
        (["EU"], "NO", "", True),
        (["US-CA"], "US", "CA", False),
        (["US-CA"], "US", "US-CA", False),
        (["US-CA"], "US", "California", False),
        (["US-CA"], "US", "", False),  # not known, so it may be there
        (["US-CA"], "US", "TX", True),
        (["US-CA"], "CA", "ON", True),
        (["EU", "US-CA"], "US", "NV", True),
    ],
)
def test_where_a_brand_follows_nobody_a_yes_changes_nothing(
    places: list[str], country: str, region: str, followed: bool
) -> None:
    expected = (True, "", "") if followed else (False, "tracking_off_here", "")

    assert answer(not_followed_in=places, country=country, region=region, said="given") == expected


@given(
    country=st.sampled_from(["US", "DE", "GB", "CA", "BR", ""]),
    region=st.sampled_from(["", "CA", "TX", "??"]),
    places=st.lists(st.sampled_from(["EU", "FR", "US-CA", "GB"]), max_size=3),
    clicks=st.booleans(),
    opens=st.booleans(),
    day=st.dates(date(2012, 1, 1), date(2040, 1, 1)),
)
def test_a_no_holds_whatever_else_is_said(
    country: str, region: str, places: list[str], clicks: bool, opens: bool, day: date
) -> None:
    facts = {
        "tracks_clicks": clicks, "tracks_opens": opens, "not_followed_in": places, "country": country,
        "region": region, "said": "withdrawn",
    }  # fmt: skip

    assert not following.judge(facts, on=day).allowed


@pytest.fixture
def contact(tenant: Tenant) -> Contact:
    return factories.make_contact(tenant, country="DE")


def say(contact: Contact, state: str, days_ago: int, *, channel: str = "email") -> None:
    record_consent(
        contact, channel, state, purpose="tracking", stated_at=NOW - days_ago * DAY, source="form", now=NOW,
        actor="test",
    )  # fmt: skip


def of(contact: Contact) -> str:
    brand = Brand.objects.for_tenant(contact.tenant_id).get()
    return following.of_contact(contact.tenant, contact, brand, now=NOW).reason


def test_the_last_word_holds_and_a_yes_of_a_day_to_come_is_none_yet(contact: Contact) -> None:
    record_consent(contact, "email", "given", stated_at=NOW, source="form", now=NOW, actor="test")
    assert of(contact) == "tracking_not_agreed"  # a yes to messages is none to this
    say(contact, "given", -1)
    assert of(contact) == "tracking_not_agreed"
    say(contact, "given", 2)
    assert of(contact) == ""
    say(contact, "withdrawn", -1)
    assert of(contact) == "tracking_withdrawn"


def test_what_another_business_was_told_is_not_known_here(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    stranger = factories.make_contact(theirs)
    say(stranger, "withdrawn", 1)
    contact = factories.make_contact(ours)

    assert (of(contact), of(stranger)) == ("", "tracking_withdrawn")


@pytest.mark.parametrize("state", ["erased", "merged"])
def test_where_nobody_is_any_more_nobody_is_followed(tenant: Tenant, state: str) -> None:
    contact = factories.make_contact(tenant, state=state)
    brand = Brand.objects.for_tenant(tenant).get()
    brand.tracks_clicks = True

    assert following.of_contact(tenant, contact, brand, now=NOW).reason == f"contact_{state}"
