"""A tenant that can send: an active campaign, connections of the fake providers, contacts with a message due."""

from datetime import datetime, timedelta
from typing import Any

from campaigns.audience.experiment_models import Arm, Assignment
from campaigns.audience.models import Contact, ContactStat
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tests import factories
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.sms.fake import FakeSmsProvider

DAY = timedelta(days=1)


def make_sender(tenant: Tenant, *, settings: dict[str, Any] | None = None, **connection: Any) -> Campaign:
    """A running campaign and connections for both channels to the fakes, whose boxes are emptied."""
    FakeEmailProvider.sent.clear()
    FakeSmsProvider.sent.clear()
    factories.make_activation(tenant, settings=settings)
    for kind in ("email", "sms"):
        connect(tenant, kind=kind, provider="fake", now=factories.NOW, actor="test", options=connection)
    return factories.make_campaign(tenant)


def make_due(
    campaign: Campaign, *, arm: str = Arm.TREATED, step: str = "hello", due_at: datetime | None = None, **contact: Any
) -> Message:
    """A contact in its lapse, enrolled, with the message of a step due now."""
    tenant = campaign.tenant
    person: Contact = factories.make_contact(tenant, **contact)
    last = factories.NOW - 200 * DAY
    factories.make_job(person, last)
    ContactStat.objects.filter(contact=person).update(last_job_at=last, job_count=1, next_scan_at=None)
    Assignment.objects.create(
        tenant=tenant, contact=person, household_key="h", share=2000, arm=arm, drawn_at=factories.NOW
    )
    episode = factories.make_episode(person, lapsed_from=last, opened_at=factories.NOW - DAY)
    enrolment = factories.make_enrolment(episode, campaign, arm, enrolled_at=factories.NOW, position=1)
    return factories.make_message(enrolment, step, due_at=due_at or factories.NOW)


def reload(message: Message) -> Message:
    """The message as it is now."""
    message.refresh_from_db()
    return message
