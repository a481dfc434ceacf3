"""What a page of the console asks PostgreSQL: as much for a business of thousands as for one of a few."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Consent, Contact, ContactStat, ContactTag, Suppression
from campaigns.compliance.models import Touch
from campaigns.planning.models import Campaign
from campaigns.tracking.models import BookingRequest, Interaction
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.access.models import User
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def _more(business: Business, places: Iterable[int]) -> None:
    """More contacts with a history, and more of a history for the contact that is there."""
    with acting_for(business.tenant.pk):
        for place in places:
            contact = factories.make_contact(business.tenant, first_name=f"More{place}")
            job = factories.make_job(contact, timezone.now() - timedelta(days=700))
            ContactStat.objects.for_tenant(business.tenant).filter(contact=contact).update(
                last_job_at=job.completed_at, job_count=1
            )
            _history(contact, business.rows["campaign"], place)
            _history(business.rows["contact"], factories.make_campaign(business.tenant), place)


def _history(contact: Contact, campaign: Campaign, place: int) -> None:
    tenant, now, mark = contact.tenant, factories.NOW, f"{campaign.pk}-{contact.pk}-{place}"
    factories.make_job(contact, now - timedelta(hours=place))
    episode = DormancyEpisode.objects.for_tenant(tenant).filter(contact=contact).first()
    enrolment = factories.make_enrolment(episode or factories.make_episode(contact), campaign)
    message = factories.make_message(enrolment)
    Consent.objects.create(tenant=tenant, contact=contact, channel="sms", state="given", recorded_at=now)
    ContactTag.objects.create(tenant=tenant, contact=contact, name=f"tag {place}", source="import")
    Suppression.objects.create(
        tenant=tenant, channel="sms", address_hmac=mark, reason="staff", contact_id=contact.pk, occurred_at=now
    )
    Touch.objects.create(
        tenant=tenant, household=contact.household, ordinal=place + 9, message=message, channel="email", touched_at=now
    )
    Interaction.objects.create(
        tenant=tenant, kind="clicked", contact=contact, message=message, dedupe_key=mark, occurred_at=now
    )
    BookingRequest.objects.create(tenant=tenant, contact=contact, enrolment=enrolment, message=message, created_at=now)
    conversation = Conversation.objects.create(
        tenant=tenant, address_hmac=mark, address="+13125550177", contact=contact, message=message, last_at=now,
        created_at=now,
    )  # fmt: skip
    ThreadText.objects.create(
        tenant=tenant, conversation=conversation, kind="received", key=mark, body="Yes?", at=now, state="received"
    )


LISTS = [
    "contact", "household", "job", "dormancyepisode", "consent", "contacttag", "enrolment", "message", "touch",
    "interaction", "bookingrequest", "conversation", "suppression",
]  # fmt: skip
ROWS = ["campaign", "contact", "conversation", "message"]
MOST = 60


def test_pages_cost_the_same_however_many_rows_there_are(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    pages = [
        "/console/",
        "/console/consent-runway/",
        "/console/tenants/auditentry/",
        "/console/tenants/event/",
        "/console/catalog/module/",
        *(f"/console/campaigns/{name}/" for name in LISTS),
        *(address(type(ours.rows[name]), "change", ours.rows[name].pk) for name in ROWS),
    ]
    _more(ours, range(1))
    for page in pages:
        client.get(page)  # what a process knows for good it knows now
    few = {page: _statements(client, page) for page in pages}

    _more(ours, range(1, 5))

    assert {page: _statements(client, page) for page in pages} == few
    assert max(few.values()) <= MOST


def _statements(client: Client, url: str) -> int:
    """For the first who looks: nothing that is kept for a minute is known yet."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)
