"""The evidence as a download in the console: for those who may export."""

from collections.abc import Callable

from django.test import Client

from tenants.access.models import User
from tests.console.conftest import Business


def test_a_manager_downloads_it_and_an_analyst_does_not(ours: Business, browse: Callable[[User], Client]) -> None:
    address = f"/console/campaigns/contact/{ours.rows['contact'].pk}/evidence/"

    answer = browse(ours.people["manager"]).post(address)
    refused = browse(ours.people["analyst"]).post(address)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert b"Yes, text me." in answer.getvalue()
    assert refused.status_code == 403


def test_a_campaigns_evidence_has_its_people(ours: Business, browse: Callable[[User], Client]) -> None:
    campaign = ours.rows["campaign"]

    answer = browse(ours.people["manager"]).post(f"/console/campaigns/campaign/{campaign.pk}/evidence/")

    assert b"verdict" in answer.getvalue()


def test_a_contacts_page_shows_on_what_writing_rests(ours: Business, browse: Callable[[User], Client]) -> None:
    address = f"/console/campaigns/contact/{ours.rows['contact'].pk}/change/"

    page = browse(ours.people["manager"]).get(address).content.decode()

    assert "CAN-SPAM, 15 USC 7704" in page
    assert "For: Marketing" in page
    assert "Export the evidence" in page
