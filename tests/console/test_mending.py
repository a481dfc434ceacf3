"""A campaign that stopped itself says why, and what to do before it is resumed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import ContactStat
from campaigns.planning import campaigning
from campaigns.planning.models import Campaign, Message
from campaigns.tracking import reputation
from tenants.access.models import User
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


@pytest.fixture
def spike(ours: Business) -> Campaign:
    """Two hundred messages of this week, of which thirty met a dead address."""
    campaign: Campaign = ours.rows["campaign"]
    lately = timezone.now() - timedelta(days=1)
    with acting_for(ours.tenant.pk):
        model = Message.objects.for_tenant(ours.tenant).get(pk=ours.rows["message"].pk)
        model.handed_over_at = lately
        rows = []
        for number in range(210):
            model.pk, model.step_code = None, f"step-{number}"
            model.state, model.reason = ("bounced", "bounced_hard") if number < 30 else ("delivered", "")
            rows.append(Message(**{field.attname: getattr(model, field.attname) for field in Message._meta.fields}))
        Message.objects.bulk_create(rows)
        assert reputation.pause_where_due(ours.tenant, now=timezone.now()) == 1
        campaign.refresh_from_db()
    return campaign


def test_it_says_why_once_and_leads_through_the_steps(ours: Business, spike: Campaign, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    page = client.get(address(Campaign, "change", spike.pk)).content.decode()
    home = client.get("/console/").content.decode()

    assert "Paused by itself: 14." in page
    assert "30 e-mails came back in 14 days" in page
    assert "Then resume it" in page
    assert "Paused by itself: 14." in home
    listed = client.get(f"/console/campaigns/message/?campaign__id__exact={spike.pk}&state__exact=bounced")
    assert "30 messages" in listed.content.decode()


def test_once_resumed_it_asks_for_nothing_and_is_measured_anew(ours: Business, spike: Campaign, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    client.post(address(Campaign, "resume", spike.pk))

    assert "Before you resume it" not in client.get(address(Campaign, "change", spike.pk)).content.decode()
    with acting_for(ours.tenant.pk):
        assert reputation.pause_where_due(ours.tenant, now=timezone.now()) == 0


def test_one_that_a_person_paused_has_no_steps(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        campaigning.pause(campaign, reason="paused by hand", now=timezone.now(), actor="test")

    page = browse(ours.people["owner"]).get(address(Campaign, "change", campaign.pk)).content.decode()

    assert "Paused by hand." in page
    assert "Before you resume it" not in page


def test_a_campaign_without_anybody_in_it_says_where_the_contacts_stand(ours: Business, browse: Browse) -> None:
    contact = ours.rows["contact"]
    with acting_for(ours.tenant.pk):
        ContactStat.objects.update_or_create(
            tenant=ours.tenant, contact=contact, defaults={"not_open_reason": "given_up", "next_scan_at": None}
        )
        empty = factories.make_campaign(ours.tenant, name="Empty", activation=ours.rows["moduleactivation"])

    page = browse(ours.people["owner"]).get(address(Campaign, "change", empty.pk)).content.decode()

    assert "Nobody is enrolled yet" in page
    assert "It has been silent for so long that it was given up." in page
