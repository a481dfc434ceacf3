"""Lapses closed by business: which job does, and what ends with them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import ContactStat, ContactTag, Job
from campaigns.audience.stats import DIRTY
from campaigns.planning.models import Enrolment, Message
from campaigns.results.attributing import attribute
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_job, make_message
from tests.results.credits import credited, events

DAY_0 = NOW - timedelta(days=30)
DAY = timedelta(days=1)


def test_business_closes_the_lapse_ends_the_enrolment_and_cancels_what_is_planned(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    enrolment = enrolled()
    planned = make_message(enrolment, "offer")
    sent = make_message(enrolment, "hello", state=Message.State.HANDED_OVER)
    ContactTag.objects.create(tenant=tenant, contact=enrolment.contact, name="winback:6m", source="scan")
    job = make_job(enrolment.contact, NOW - DAY)

    report = attribute(tenant, now=NOW)

    for row in (enrolment, planned, sent, enrolment.episode):
        row.refresh_from_db()
    assert (report["closed"], report["reactivated"], report["revenue"], report["currency"]) == (1, 1, "120.00", "USD")
    assert (enrolment.episode.state, enrolment.episode.closed_by) == ("closed", "business")
    assert enrolment.episode.closed_at == NOW
    assert (enrolment.state, enrolment.ended_by) == ("ended", "business")
    assert (planned.state, sent.state) == ("cancelled", "handed_over")
    assert ContactStat.objects.for_tenant(tenant).get(contact=enrolment.contact).next_scan_at == DIRTY
    assert events(tenant, "episode.closed") == [(enrolment.contact_id, {"by": "business", "job": job.pk, "cohort": 6})]
    tags = ContactTag.objects.for_tenant(tenant).filter(contact=enrolment.contact)
    assert [tag.name for tag in tags] == ["winback:won"]


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (DAY_0 - timedelta(seconds=1), Job.Status.COMPLETED),
        (NOW + timedelta(seconds=1), Job.Status.COMPLETED),
        (NOW - DAY, Job.Status.REFUNDED),
        (NOW - DAY, Job.Status.CANCELLED),
        (NOW - DAY, Job.Status.SCHEDULED),
    ],
)
def test_only_a_counted_job_since_the_lapse_was_opened_closes_it(
    tenant: Tenant, enrolled: Callable[..., Enrolment], at: datetime, status: str
) -> None:
    enrolment = enrolled()
    make_job(enrolment.contact, at, status=status)

    report = attribute(tenant, now=NOW)

    assert (report["closed"], report["reactivated"]) == (0, 0)
    assert credited(tenant) == {}
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.episode.state) == ("active", "open")


def test_a_job_at_the_very_moment_of_opening_closes_the_lapse(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    enrolment = enrolled()
    job = make_job(enrolment.contact, DAY_0)

    attribute(tenant, now=NOW)

    assert credited(tenant) == {enrolment.pk: job.pk}
    assert DormancyEpisode.objects.for_tenant(tenant).get().closed_by == "business"
