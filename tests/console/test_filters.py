"""Filters of long lists offer what the business has, without reading the list."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tenants.access.models import User
from tenants.activation.models import ModuleActivation
from tests.console.conftest import Business
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def test_lapses_are_filtered_by_the_cohorts_of_the_business(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        rows = ModuleActivation.objects.for_tenant(ours.tenant)
        rows.update(settings={"dormant_cohorts_months": [5, 7]})
    client = browse(ours.people["analyst"])

    lapses = client.get("/console/campaigns/dormancyepisode/").content.decode()
    contacts = client.get("/console/campaigns/contact/").content.decode()

    assert "?cohort_months__exact=5" in lapses
    assert "?cohort_months__exact=7" in lapses
    assert "?dormant=7" in contacts


@pytest.mark.parametrize(
    ("page", "query", "found"),
    [
        ("message", "step_code__exact={step}", True),
        ("message", "step_code__exact=no_such_step", True),  # as if nothing had been chosen
        ("touch", "channel__exact=email", True),
        ("touch", "channel__exact=sms", False),
    ],
)
def test_a_filter_narrows_a_list_without_reading_it_for_its_values(
    page: str, query: str, found: bool, ours: Business, browse: Browse
) -> None:
    client = browse(ours.people["analyst"])

    with CaptureQueriesContext(connection) as asked:
        url = f"/console/campaigns/{page}/?{query.format(step=ours.rows['message'].step_code)}"
        shown = client.get(url).content.decode()

    assert (str(ours.rows[page]) in shown) == found
    assert not [each for each in asked if f'DISTINCT "campaigns_{page}"' in each["sql"]]


@pytest.mark.parametrize(
    ("page", "query", "found"),
    [
        ("tenants/event", "", True),
        ("tenants/event", "{mark}.HAPP", True),
        ("tenants/event", "happened", False),
        ("campaigns/job", "", True),
        ("campaigns/job", "{mark}-j", True),
        ("campaigns/job", "job", False),
        ("campaigns/contacttag", "{mark} T", True),
    ],
)
def test_long_lists_are_searched_from_the_beginning_of_a_word(
    page: str, query: str, found: bool, ours: Business, browse: Browse
) -> None:
    client = browse(ours.people["owner"])

    shown = client.get(f"/console/{page}/", {"q": query.format(mark=ours.mark)}).content.decode()

    row = ours.rows[page.partition("/")[2]]
    assert (f"/console/{page}/{row.pk}/change/" in shown) == found
