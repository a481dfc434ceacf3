"""Every page of the console: who may open it, under a strict policy, and what stands on it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.models import Contact
from campaigns.audience.searching import found_by
from tenants.access.models import User
from tests import factories
from tests.console import furnishing
from tests.console.conftest import Business
from tests.console.walking import address, inline_parts, registered
from winback.console.security import POLICY
from winback.tenancy import acting_for

Browse = Callable[[User], Client]

OPERATORS = {"operator", "manager", "owner"}
MANAGERS = {"manager", "owner"}
OWNERS = {"owner"}
NOBODY: set[str] = set()

MAY_VIEW = {
    "auditentry": OWNERS,
    "apikey": OWNERS,
    "webhookendpoint": OWNERS,
    "webhookdelivery": OWNERS,
    "scheduledtask": NOBODY,
    "user": NOBODY,
    "platformsuppression": NOBODY,
}
MAY_ADD = {
    "brand": MANAGERS, "offer": MANAGERS, "membership": OWNERS, "apikey": OWNERS, "connection": OWNERS,
    "suppression": OPERATORS, "webhookendpoint": OWNERS, "consent": MANAGERS,
    "importbatch": OPERATORS,
}  # fmt: skip
MAY_CHANGE = {"brand": MANAGERS, "offer": MANAGERS, "tenant": MANAGERS}
MODULE = "dormant_customer_reactivation"


@pytest.mark.parametrize("role", furnishing.ROLES)
def test_every_page_answers_those_who_may_and_nobody_else(role: str, ours: Business, browse: Browse) -> None:
    client = browse(ours.people[role])
    wrong: list[tuple[str, object]] = []

    for model, _ in registered():
        name = str(model._meta.model_name)
        may_view = role in MAY_VIEW.get(name, set(furnishing.ROLES))
        expected = {address(model, "changelist"): may_view, address(model, "add"): role in MAY_ADD.get(name, NOBODY)}
        if name in ours.rows:
            expected |= {address(model, page, ours.rows[name].pk): may_view for page in ("change", "history")}
        for url, allowed in expected.items():
            response = client.get(url)
            if response.status_code != (200 if allowed else 403):
                wrong.append((url, response.status_code))
            elif allowed and (inline_parts(response) or response.headers["Content-Security-Policy"] != POLICY):
                wrong.append((url, inline_parts(response)))

    assert wrong == []


@pytest.mark.parametrize("role", furnishing.ROLES)
def test_only_those_who_may_can_change_a_row(role: str, ours: Business, browse: Browse) -> None:
    client = browse(ours.people[role])

    for model, _ in registered():
        name = str(model._meta.model_name)
        if name not in ours.rows or role not in MAY_VIEW.get(name, set(furnishing.ROLES)):
            continue
        page = client.get(address(model, "change", ours.rows[name].pk)).content.decode()
        assert ('name="_save"' in page) == (role in MAY_CHANGE.get(name, NOBODY)), name


@pytest.mark.parametrize(
    "path",
    [
        "/console/",
        f"/console/catalog/module/{MODULE}/change/",
        f"/console/catalog/module/{MODULE}/change-settings/",
        "/console/tenants/connection/add/?kind=email&provider=smtp",
        "/console/tenants/connection/add/?kind=sms&provider=twilio",
        "/console/password_change/",
    ],
)
def test_pages_of_their_own_keep_the_policy_too(path: str, ours: Business, browse: Browse) -> None:
    response = browse(ours.people["owner"]).get(path)

    assert response.status_code == 200
    assert inline_parts(response) == []
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["Cache-Control"].startswith("max-age=0") or "no-store" in response.headers["Cache-Control"]


def test_every_noun_of_the_house_is_listed(ours: Business, browse: Browse) -> None:
    page = browse(ours.people["owner"]).get("/console/").content.decode()

    for noun in (
        "Businesses", "Brands", "Contacts",
        "Households", "Held-out draw", "Jobs", "Lapses", "Campaigns", "Steps", "Offers",
        "Enrolments", "Messages", "Suppressions", "Consents", "Interactions", "Reactivations",
    ):  # fmt: skip
        assert f"<span>{noun}</span>" in page, noun


def test_rows_are_called_on_the_way_to_one_as_they_are_over_their_list(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    wrong = []

    for model, _ in registered():
        name = str(model._meta.model_name)
        if name not in ours.rows or (name in MAY_VIEW and "owner" not in MAY_VIEW[name]):
            continue
        listed = address(model, "changelist")
        title = client.get(listed).context["title"]
        for page in ("change", "history"):
            answer = client.get(address(model, page, ours.rows[name].pk)).content.decode()
            if f'<a href="{listed}">{title}</a>' not in answer:
                wrong.append((name, page, title))

    assert wrong == []


@pytest.mark.parametrize("path", ["/console/", "/console/campaigns/contact/", "/console/tenants/brand/add/"])
def test_without_signing_in_there_is_only_the_sign_in_page(path: str, ours: Business, client: Client) -> None:
    response = client.get(path)

    assert response.status_code == 302
    assert response.headers["Location"].startswith("/console/login/")


def _more(business: Business, number: int) -> None:
    with acting_for(business.tenant.pk):
        for place in range(number):
            contact = factories.make_contact(business.tenant, first_name=f"More{place}")
            factories.make_job(contact, factories.NOW)
            enrolment = factories.make_enrolment(factories.make_episode(contact), business.rows["campaign"])
            factories.make_message(enrolment)


def test_long_lists_are_counted_no_further_than_they_are_read(
    ours: Business, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("winback.console.paging.BoundedPaginator.most", 5)
    _more(ours, 12)

    page = browse(ours.people["owner"]).get("/console/campaigns/contact/").content.decode()

    assert "5+ contacts · search or filter to see the rest" in page


def test_free_lookups_are_refused(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    for query in ("email_hmac__startswith=a", "tenant__holdout_salt__startswith=a", "tenant=1", "household__key=x"):
        assert client.get(f"/console/campaigns/contact/?{query}").status_code == 400, query
    assert client.get("/console/tenants/membership/?user__password__startswith=a").status_code == 400


SEARCHES: list[tuple[str, dict[str, Any]]] = [
    ("OAKMARK@ex", {}),
    ("contact oak", {}),
    ("Oakmark Contact", {}),
    ("(312) 555-0142", {}),
    ("+1312", {}),
]


@pytest.mark.parametrize("term", [term for term, _ in SEARCHES])
def test_a_contact_is_found_by_the_beginning_of_what_is_known(term: str, ours: Business, browse: Browse) -> None:
    _more(ours, 2)

    page = browse(ours.people["analyst"]).get("/console/campaigns/contact/", {"q": term}).content.decode()

    assert "oakmark@example.com" in page
    assert "More0" not in page


@pytest.mark.parametrize("term", ["zzz", "\x00", "'", "%", "a" * 500, "+", "\U0010ffff"])
def test_strange_searches_find_nobody(term: str, ours: Business, browse: Browse) -> None:
    response = browse(ours.people["analyst"]).get("/console/campaigns/contact/", {"q": term})

    assert response.status_code == 200


def test_the_search_asks_by_ranges_which_an_index_serves_under_row_level_security(ours: Business) -> None:
    with acting_for(ours.tenant.pk):
        for term in ("oak@example.com", "Robin Smith", "(312) 555-0142"):
            asked = str(Contact.objects.for_tenant(ours.tenant).filter(found_by(term, "US")).query)
            assert "LIKE" not in asked
            assert "UPPER" not in asked
            assert ">=" in asked
