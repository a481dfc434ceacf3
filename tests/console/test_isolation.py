"""Two businesses in one console: nothing of the one is ever shown to, or touched by, the people of the other."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.models import Suppression
from campaigns.planning.models import Offer
from tenants.access.models import Membership, User
from tenants.accounts.models import Brand
from tests.console.conftest import Business
from tests.console.walking import address, pages_of_row, registered
from winback.tenancy import acting_for, acting_for_all

Browse = Callable[[User], Client]


def _working_in(client: Client, business: Business) -> Client:
    response = client.post("/console/tenant/", {"tenant": business.tenant.slug, "next": "/console/"})
    assert response.status_code == 302
    return client


@pytest.fixture(params=["owner", "platform staff", "owner of both"])
def visitor(request: Any, ours: Business, theirs: Business, root: User, browse: Browse) -> Client:
    """Somebody who works in our business now."""
    if request.param == "owner":
        return browse(ours.people["owner"])
    if request.param == "platform staff":
        return _working_in(browse(root), ours)
    person = ours.people["owner"]
    with acting_for_all("test"):
        Membership.objects.create(
            tenant=theirs.tenant, user=person, role="owner", created_at=ours.rows["campaign"].created_at
        )
    return _working_in(browse(person), ours)


def test_no_list_and_no_filter_names_anything_of_theirs(visitor: Client, theirs: Business) -> None:
    naming = []
    for model, model_admin in registered():
        for query in ("", f"?q={theirs.mark[:-3]}") if model_admin.search_fields else ("",):
            if theirs.mark in visitor.get(address(model, "changelist") + query).content.decode():
                naming.append((model._meta.label, query))

    assert naming == []


def test_home_shows_nothing_of_theirs(visitor: Client, ours: Business, theirs: Business) -> None:
    page = visitor.get("/console/").content.decode()

    assert "oakmark Contact" in page  # won back lately
    assert theirs.mark not in page


def test_every_page_of_a_row_of_theirs_is_missing(visitor: Client, theirs: Business) -> None:
    answered = []
    for model, model_admin in registered():
        row = theirs.rows.get(str(model._meta.model_name))
        if row is None or model._meta.model_name == "tenant":
            continue
        for url in pages_of_row(model, model_admin, row):
            # Read-only kinds refuse a POST (403) before they look for the row, of whomever it is.
            answered += [url] if visitor.get(url).status_code not in (403, 404, 405) else []
            answered += [url] if visitor.post(url).status_code not in (403, 404) else []

    assert answered == []


def test_a_row_of_theirs_is_as_missing_as_one_that_never_was(visitor: Client, theirs: Business) -> None:
    of_theirs = visitor.get(address(type(theirs.rows["contact"]), "change", theirs.rows["contact"].pk))
    never_was = visitor.get(address(type(theirs.rows["contact"]), "change", 2**40))

    assert (of_theirs.status_code, of_theirs.content) == (never_was.status_code, never_was.content)


def test_a_members_page_of_another_business_is_missing(ours: Business, theirs: Business, browse: Browse) -> None:
    response = browse(ours.people["owner"]).get(address(type(theirs.tenant), "change", theirs.tenant.pk))

    assert response.status_code == 404


def test_autocomplete_knows_nobody_of_theirs(visitor: Client, theirs: Business) -> None:
    for model, field in (
        ("enrolment", "contact"),
        ("message", "campaign"),
        ("campaign", "offer"),
        ("step", "campaign"),
    ):
        query = {"app_label": "campaigns", "model_name": model, "field_name": field, "term": theirs.mark}
        response = visitor.get("/console/autocomplete/", query)
        assert response.status_code in (200, 403, 404)
        assert theirs.mark not in response.content.decode()


def test_an_action_on_a_list_touches_no_row_of_theirs(visitor: Client, ours: Business, theirs: Business) -> None:
    contact = theirs.rows["contact"]
    fields = {
        "action": "suppress_selected",
        "_selected_action": [contact.pk],
        "confirmed": "yes",
        "channel": "all",
        "reason": "staff",
    }

    visitor.post("/console/campaigns/contact/", fields)
    visitor.post("/console/campaigns/contact/", fields | {"select_across": "1"})

    with acting_for_all("test"):
        reasons = set(Suppression.objects.filter(tenant=theirs.tenant).values_list("channel", flat=True))
    assert reasons == {"email"}  # the one it was furnished with


def test_a_new_row_is_ours_whatever_the_form_says(ours: Business, theirs: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    fields = {
        "tenant": theirs.tenant.pk, "name": "Spring", "code": "spring", "kind": "percent", "percent": "10",
        "terms": "Once.",
    }  # fmt: skip

    assert client.post("/console/campaigns/offer/add/", fields).status_code == 302

    with acting_for_all("test"):
        assert Offer.objects.get(code="spring").tenant == ours.tenant


def test_a_name_that_they_have_is_free_for_us(ours: Business, theirs: Business, browse: Browse) -> None:
    with acting_for(theirs.tenant.pk):
        Brand.objects.create(tenant=theirs.tenant, code="second", name="Second", is_default=False)
    client = browse(ours.people["owner"])
    fields = {"name": "Second", "code": "second", "colour": "#123456"}

    assert client.post("/console/tenants/brand/add/", fields).status_code == 302
    again = client.post("/console/tenants/brand/add/", fields)

    assert again.status_code == 200
    assert "already exists" in again.content.decode()


def test_switching_is_only_into_a_business_of_ones_own(ours: Business, theirs: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    response = client.post("/console/tenant/", {"tenant": theirs.tenant.slug})

    assert response.status_code == 404
    assert ours.tenant.name in client.get("/console/").content.decode()


def test_platform_staff_see_the_rows_of_the_business_that_they_chose(
    ours: Business, theirs: Business, root: User, browse: Browse
) -> None:
    client = browse(root)

    for business, other in ((ours, theirs), (theirs, ours)):
        _working_in(client, business)
        page = client.get("/console/campaigns/contact/").content.decode()
        assert f"{business.mark}@example.com" in page
        assert f"{other.mark}@example.com" not in page


def test_whoever_loses_the_membership_sees_nothing_from_the_next_page_on(ours: Business, browse: Browse) -> None:
    person = ours.people["manager"]
    client = browse(person)
    assert client.get("/console/").status_code == 200

    with acting_for(ours.tenant.pk):
        person.memberships.all().delete()

    assert client.get("/console/campaigns/contact/").status_code == 302


def test_an_unsafe_next_address_leads_home(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    for unsafe in ("//evil.example.com", "https://evil.example.com/console/", "/console/../u/x", "javascript:alert(1)"):
        response = client.post("/console/tenant/", {"tenant": ours.tenant.slug, "next": unsafe})
        assert response.headers["Location"] == "/console/", unsafe
