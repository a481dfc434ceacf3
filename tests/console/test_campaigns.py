"""Campaigns from the console: launched, paused, resumed, previewed, tried out; by whom, and with what trace."""

from collections.abc import Callable

from django.core import mail
from django.test import Client

from campaigns.operating import jobs
from campaigns.planning.models import Campaign, Offer, Variant
from tenants.access.models import User
from tenants.connections.connecting import outbox_directory
from tenants.journal.models import Task
from tests.console.conftest import Business
from tests.console.walking import address, audited_actions, deed, row_now
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def test_an_operator_pauses_a_campaign_and_a_manager_resumes_it(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]

    paused = browse(ours.people["operator"]).post(deed(campaign, "pause"), follow=True)
    assert row_now(ours, "campaign").state == Campaign.State.PAUSED
    assert "is paused" in paused.content.decode()
    assert "Undo" in paused.content.decode()

    browse(ours.people["manager"]).post(deed(campaign, "resume"))
    assert row_now(ours, "campaign").state == Campaign.State.RUNNING
    assert audited_actions(ours)[-2:] == ["campaign.paused", "campaign.resumed"]


def test_an_analyst_pauses_nothing_and_an_operator_launches_nothing(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        Campaign.objects.for_tenant(ours.tenant).filter(pk=campaign.pk).update(state="draft")

    assert browse(ours.people["analyst"]).post(deed(campaign, "pause")).status_code == 403
    assert browse(ours.people["operator"]).post(deed(campaign, "launch")).status_code == 403
    page = browse(ours.people["operator"]).get(address(Campaign, "change", campaign.pk)).content.decode()
    assert deed(campaign, "launch") not in page


def test_a_launch_asks_for_the_campaigns_name(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        Campaign.objects.for_tenant(ours.tenant).filter(pk=campaign.pk).update(state="draft")
    client = browse(ours.people["manager"])

    asked = client.get(deed(campaign, "launch"))
    assert "1 customers are dormant now" in asked.content.decode()
    wrong = client.post(deed(campaign, "launch"), {"confirmed": "yes", "typed": "something"})
    assert wrong.status_code == 422
    assert row_now(ours, "campaign").state == Campaign.State.DRAFT

    client.post(deed(campaign, "launch"), {"confirmed": "yes", "typed": campaign.name})
    assert row_now(ours, "campaign").state == Campaign.State.RUNNING


def test_a_campaign_whose_offer_has_ended_is_not_launched(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        Campaign.objects.for_tenant(ours.tenant).filter(pk=campaign.pk).update(state="draft")
        Offer.objects.for_tenant(ours.tenant).update(expires_on="2020-01-01")
    client = browse(ours.people["manager"])

    page = client.post(deed(campaign, "launch"), {"confirmed": "yes", "typed": campaign.name})

    assert "ended on 2020-01-01" in page.content.decode()
    assert row_now(ours, "campaign").state == Campaign.State.DRAFT


def test_the_words_of_a_step_can_be_read_and_are_framed_by_a_policy_of_their_own(
    ours: Business, browse: Browse
) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        variant = Variant.objects.for_tenant(ours.tenant).filter(step__campaign=campaign, channel="email")[0]
    client = browse(ours.people["analyst"])
    query = {"variant": variant.pk, "contact": ours.rows["contact"].pk}

    page = client.get(deed(campaign, "preview"), query).content.decode()
    body = client.get(deed(campaign, "body"), query)

    assert 'sandbox=""' in page
    assert "Oakmark" in body.content.decode()
    assert body.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert body.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert client.get(deed(campaign, "preview"), {"variant": "1 OR 1=1"}).status_code == 404


def test_a_preview_of_a_text_says_how_long_it_gets(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        variant = Variant.objects.for_tenant(ours.tenant).filter(step__campaign=campaign, channel="sms")[0]

    page = browse(ours.people["analyst"]).get(deed(campaign, "preview"), {"variant": variant.pk}).content.decode()

    assert "At the most 2 segments" in page
    assert "link and opt-out line included" in page


def test_a_test_goes_to_the_person_who_asks_and_to_nobody_else(ours: Business, browse: Browse) -> None:
    campaign = ours.rows["campaign"]
    with acting_for(ours.tenant.pk):
        variant = Variant.objects.for_tenant(ours.tenant).filter(step__campaign=campaign, channel="email")[0]
    person = ours.people["operator"]
    fields = {"variant": variant.pk, "contact": ours.rows["contact"].pk, "recipient": "stranger@example.com"}

    browse(person).post(deed(campaign, "send_test"), fields)
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind="test_message")
    jobs.send_test(tenant=ours.tenant.pk, task=task.pk)

    (written,) = outbox_directory(ours.tenant, "email").glob("test-*.eml")
    text = written.read_text()
    written.unlink()
    assert f"To: {person.email}" in text
    assert "[Test]" in text
    with acting_for(ours.tenant.pk):
        assert Task.objects.for_tenant(ours.tenant).get(pk=task.pk).state == Task.State.DONE
    assert mail.outbox == []


def test_an_analyst_sends_no_test(ours: Business, browse: Browse) -> None:
    response = browse(ours.people["analyst"]).post(deed(ours.rows["campaign"], "send_test"), {"variant": 1})

    assert response.status_code == 403
