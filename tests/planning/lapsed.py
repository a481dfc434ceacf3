"""Contacts whose lapse is open, and what was planned for them."""

from datetime import timedelta
from typing import Any

from campaigns.audience.experiment_models import Arm, Assignment
from campaigns.audience.models import Contact, ContactStat
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories

DAY = timedelta(days=1)


def make_lapsed(tenant: Tenant, *, days: int = 200, arm: str = Arm.TREATED, **fields: Any) -> Contact:
    """A contact whose lapse is open, with its arm drawn."""
    contact = factories.make_contact(tenant, **fields)
    last = factories.NOW - days * DAY
    job = factories.make_job(contact, last)
    ContactStat.objects.filter(contact=contact).update(
        last_job_at=last, last_job_id=job.pk, job_count=1, next_scan_at=None
    )
    factories.make_episode(contact, lapsed_from=last, opened_at=factories.NOW - DAY)
    Assignment.objects.create(
        tenant=tenant, contact=contact, household_key="h", share=2000, arm=arm, drawn_at=factories.NOW
    )
    return contact


def only_message(contact: Contact) -> Message:
    """The one message that was planned for somebody."""
    return Message.objects.get(contact=contact)
