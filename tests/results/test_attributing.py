"""Attribution: each return within its window is credited once, for both arms alike."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.audience.experiment_models import Arm
from campaigns.audience.models import ContactTag, Household
from campaigns.planning.models import Campaign, Enrolment
from campaigns.results.attributing import attribute
from campaigns.results.models import Reactivation
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests.at_once import at_once
from tests.factories import NOW, make_campaign, make_contact, make_enrolment, make_episode, make_job, make_tenant
from tests.results.credits import credited, events
from winback.tenancy import acting_for, acting_for_all

DAY_0 = NOW - timedelta(days=30)
DAY = timedelta(days=1)


def test_held_out_contacts_count_alike_but_are_not_tagged_as_won(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    treated, held_out = enrolled(), enrolled(Arm.HELD_OUT)
    for enrolment in (treated, held_out):
        make_job(enrolment.contact, NOW - DAY)

    report = attribute(tenant, now=NOW)

    assert (report["reactivated"], report["held_out"], report["revenue"]) == (2, 1, "240.00")
    assert dict(Reactivation.objects.for_tenant(tenant).values_list("enrolment_id", "arm")) == {
        treated.pk: "treated",
        held_out.pk: "held_out",
    }
    assert [tag.contact_id for tag in ContactTag.objects.for_tenant(tenant)] == [treated.contact_id]


@pytest.mark.parametrize("ended_by", [choice for choice in Enrolment.EndedBy.values if choice != "business"])
def test_whatever_else_ended_the_enrolment_the_return_counts(
    tenant: Tenant, enrolled: Callable[..., Enrolment], ended_by: str
) -> None:
    enrolment = enrolled(state=Enrolment.State.ENDED, ended_by=ended_by, ended_at=DAY_0 + DAY)
    job = make_job(enrolment.contact, DAY_0 + 59 * DAY)

    attribute(tenant, now=DAY_0 + 59 * DAY)

    assert credited(tenant) == {enrolment.pk: job.pk}


def test_the_window_of_days_is_of_24_hours_across_a_change_of_clocks(
    tenant: Tenant, campaign: Campaign, enrolled: Callable[..., Enrolment]
) -> None:
    """From September to November Chicago's clocks go back: a calendar's 60 days would be an hour longer."""
    inside, outside = enrolled(), enrolled()
    end = inside.enrolled_at + timedelta(hours=24 * 60)
    last = make_job(inside.contact, end - timedelta(seconds=1))
    make_job(outside.contact, end)

    attribute(tenant, now=end + DAY)

    assert credited(tenant) == {inside.pk: last.pk}


def test_one_job_is_credited_once_though_two_campaigns_wrote(tenant: Tenant, campaign: Campaign) -> None:
    contact = make_contact(tenant)
    episode = make_episode(contact)
    later = make_enrolment(episode, make_campaign(tenant), enrolled_at=DAY_0 + DAY)
    earlier = make_enrolment(episode, campaign, enrolled_at=DAY_0)
    first = make_job(contact, DAY_0 + 10 * DAY)
    attribute(tenant, now=NOW)
    assert credited(tenant) == {earlier.pk: first.pk}

    second = make_job(contact, DAY_0 + 20 * DAY, updated_at=timezone.now())
    attribute(tenant, now=NOW)

    assert credited(tenant) == {earlier.pk: first.pk, later.pk: second.pk}


def test_foreign_money_counts_as_a_return_but_brings_no_revenue(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    make_job(enrolled().contact, NOW - DAY, currency="JPY", amount_minor=9_000)

    report = attribute(tenant, now=NOW)

    assert (report["reactivated"], report["revenue"], report["other_revenue"]) == (1, "0.00", {"JPY": "9000"})


def test_nothing_happens_twice(tenant: Tenant, enrolled: Callable[..., Enrolment]) -> None:
    make_job(enrolled().contact, NOW - DAY)
    attribute(tenant, now=NOW)
    before = (credited(tenant), Event.objects.for_tenant(tenant).count())

    again, full = attribute(tenant, now=NOW), attribute(tenant, now=NOW, full=True)

    assert (credited(tenant), Event.objects.for_tenant(tenant).count()) == before
    for report in (again, full):
        assert {key: value for key, value in report.items() if value not in (0, {})} == {
            "revenue": "0.00",
            "currency": "USD",
        }


def test_the_number_of_statements_does_not_grow_with_the_contacts(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    def statements(contacts: int) -> int:
        for _ in range(contacts):
            make_job(enrolled().contact, NOW - DAY, updated_at=timezone.now())
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert attribute(tenant, now=NOW)["reactivated"] == contacts
        return len(captured)

    statements(1)
    assert statements(2) == statements(30)


def test_one_tenant_leaves_another_alone(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    rows = []
    for tenant in two_tenants:
        contact = make_contact(tenant)
        rows.append(make_enrolment(make_episode(contact), make_campaign(tenant)))
        make_job(contact, NOW - DAY)

    with acting_for(ours.pk):
        attribute(ours, now=NOW)

    assert list(Reactivation.objects.for_tenant(ours).values_list("enrolment_id", flat=True)) == [rows[0].pk]
    assert not Reactivation.objects.for_tenant(theirs).exists()
    rows[1].refresh_from_db()
    assert (rows[1].state, rows[1].episode.state) == ("active", "open")


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_credit_every_return_once() -> None:
    with acting_for_all("set-up"):
        tenant = make_tenant()
        household = Household.objects.create(tenant=tenant, key="h", created_at=NOW)
        campaign = make_campaign(tenant)
        for _ in range(60):
            contact = make_contact(tenant, household=household)
            make_enrolment(make_episode(contact), campaign)
            make_job(contact, NOW - DAY)

    def run() -> dict[str, Any]:
        with acting_for(tenant.pk):
            return attribute(tenant, now=NOW)

    reports = at_once(run, run, run)

    assert sorted(report["reactivated"] for report in reports) == [0, 0, 60]
    assert sorted(report["closed"] for report in reports) == [0, 0, 60]
    with transaction.atomic(), acting_for(tenant.pk):
        assert Reactivation.objects.for_tenant(tenant).count() == 60
        assert len(events(tenant, "contact.reactivated")) == 60
