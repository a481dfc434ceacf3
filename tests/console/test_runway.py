"""The consent runway as a page and over the API: counts that lead to people, of this business alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import ContactStat
from tenants.access.keys import create_key
from tenants.access.models import User
from tenants.activation.models import ModuleActivation
from tests import factories
from tests.console.conftest import Business
from winback.tenancy import acting_for

Browse = Callable[[User], Client]
PAGE = "/console/consent-runway/"


@pytest.fixture
def ending(ours: Business) -> str:
    """Somebody who has been silent for nearly as long as the module allows."""
    with acting_for(ours.tenant.pk):
        ModuleActivation.objects.for_tenant(ours.tenant).first() or factories.make_activation(ours.tenant)
        contact = factories.make_contact(ours.tenant, first_name="Nearly", last_name="Over", external_id="near")
        last = timezone.now() - timedelta(days=710)
        ContactStat.objects.for_tenant(ours.tenant).filter(contact=contact).update(last_job_at=last)
        return create_key(ours.tenant, name="test", now=factories.NOW)[1]


def test_counts_lead_to_the_people_behind_them(ours: Business, browse: Browse, ending: str) -> None:
    client = browse(ours.people["analyst"])

    page = client.get(PAGE).content.decode()
    narrowed = client.get(f"{PAGE}?channel=email&reason=silent_too_long&within=30").content.decode()

    assert "Nearly Over" in page
    assert "?channel=email&amp;reason=silent_too_long&amp;within=30#people" in page
    assert "Nearly Over" in narrowed
    assert "Nearly Over" not in client.get(f"{PAGE}?channel=sms").content.decode()
    assert "Nearly Over" in client.get(f"{PAGE}?channel=nonsense&within=7&after=rubbish").content.decode()


def test_nobody_to_lose_says_so_and_another_business_sees_nothing(
    theirs: Business, browse: Browse, ending: str
) -> None:
    page = browse(theirs.people["analyst"]).get(PAGE).content.decode()

    assert "Nobody loses permission within 90 days" in page
    assert "Nearly Over" not in page


def test_the_api_gives_the_same(ours: Business, client: Client, ending: str) -> None:
    headers = {"Authorization": f"Bearer {ending}"}

    counts = client.get("/api/compliance/runway", headers=headers).json()
    people = client.get("/api/compliance/runway/people?within=30", headers=headers).json()

    assert counts["total"] == {"30": 1, "60": 1, "90": 1}
    assert [(each["contact"], each["channel"]) for each in people["people"]] == [("near", "email")]
    refused = client.get("/api/compliance/runway/people?after=rubbish", headers=headers)
    assert refused.json()["code"] == "request_invalid"
