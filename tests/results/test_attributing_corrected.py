"""What changes a credit afterwards: refunds, other amounts, merges, wider windows, and runs as of other days."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from campaigns.audience.experiment_models import Arm
from campaigns.audience.models import Contact, ContactTag, Job
from campaigns.planning.models import Campaign, Enrolment
from campaigns.results.attributing import attribute
from campaigns.results.models import Reactivation
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_contact, make_enrolment, make_episode, make_job
from tests.results.credits import credited, events

DAY_0 = NOW - timedelta(days=30)
DAY = timedelta(days=1)


def change(job: Job, **values: Any) -> None:
    Job.objects.for_tenant(job.tenant_id).filter(pk=job.pk).update(updated_at=timezone.now(), **values)


def test_a_refund_moves_the_credit_to_the_next_job_or_takes_it_away(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    twice, once = enrolled(), enrolled()
    first, second = make_job(twice.contact, DAY_0 + DAY), make_job(twice.contact, DAY_0 + 2 * DAY, amount_minor=5_000)
    only = make_job(once.contact, DAY_0 + DAY)
    assert attribute(tenant, now=NOW)["revenue"] == "240.00"

    change(first, status=Job.Status.REFUNDED)
    change(only, status=Job.Status.REFUNDED)
    report = attribute(tenant, now=NOW)

    assert credited(tenant) == {twice.pk: second.pk}
    assert (report["moved"], report["withdrawn"], report["revenue"]) == (1, 1, "-190.00")
    assert [tag.contact_id for tag in ContactTag.objects.for_tenant(tenant)] == [twice.contact_id]

    change(only, status=Job.Status.COMPLETED)
    attribute(tenant, now=NOW)

    assert credited(tenant) == {twice.pk: second.pk, once.pk: only.pk}
    noted = sorted(contact for contact, _ in events(tenant, "contact.reactivated") if contact is not None)
    assert noted == sorted([twice.contact_id, once.contact_id])  # once each, however often it changed


def test_another_amount_and_a_job_that_was_dated_back_are_followed(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    enrolment = enrolled()
    job = make_job(enrolment.contact, DAY_0 + 20 * DAY)
    attribute(tenant, now=NOW)

    change(job, amount_minor=20_050)
    assert attribute(tenant, now=NOW)["revenue"] == "80.50"
    earlier = make_job(enrolment.contact, DAY_0 + 3 * DAY, amount_minor=100, updated_at=timezone.now())
    assert attribute(tenant, now=NOW)["revenue"] == "-199.50"

    row = Reactivation.objects.for_tenant(tenant).get()
    assert (row.job_id, row.amount_minor, row.reactivated_at) == (earlier.pk, 100, DAY_0 + 3 * DAY)


def test_a_job_that_moves_to_another_contact_moves_its_credit(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    wrong, right = enrolled(), enrolled()
    job = make_job(wrong.contact, DAY_0 + DAY)
    attribute(tenant, now=NOW)

    change(job, contact=right.contact)
    attribute(tenant, now=NOW)

    assert credited(tenant) == {right.pk: job.pk}


def test_a_merge_hands_the_credit_on_with_the_jobs(tenant: Tenant, enrolled: Callable[..., Enrolment]) -> None:
    loser, winner = enrolled(), make_contact(tenant)
    job = make_job(loser.contact, DAY_0 + DAY)
    attribute(tenant, now=NOW)

    Contact.objects.for_tenant(tenant).filter(pk=loser.contact_id).update(state="merged", merged_into=winner)
    change(job, contact=winner)
    report = attribute(tenant, now=NOW)

    row = Reactivation.objects.for_tenant(tenant).get()
    assert (row.enrolment_id, row.job_id, row.contact_id) == (loser.pk, job.pk, winner.pk)
    assert (report["reactivated"], report["withdrawn"]) == (0, 0)


def test_after_a_merge_one_job_counts_for_the_earlier_of_two_enrolments(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    earlier, later = enrolled(), enrolled(Arm.HELD_OUT, enrolled_at=DAY_0 + DAY)
    Contact.objects.for_tenant(tenant).filter(pk=earlier.contact_id).update(
        state="merged", merged_into_id=later.contact_id
    )
    job = make_job(later.contact, DAY_0 + 5 * DAY)

    attribute(tenant, now=NOW)

    assert credited(tenant) == {earlier.pk: job.pk}


def test_a_longer_window_is_applied_to_what_was_already_looked_at(
    tenant: Tenant, campaign: Campaign, enrolled: Callable[..., Enrolment]
) -> None:
    enrolment = enrolled()
    job = make_job(enrolment.contact, DAY_0 + 70 * DAY)
    attribute(tenant, now=DAY_0 + 80 * DAY)
    assert credited(tenant) == {}

    Campaign.objects.for_tenant(tenant).update(window_days=90)
    attribute(tenant, now=DAY_0 + 80 * DAY)

    assert credited(tenant) == {enrolment.pk: job.pk}


def test_an_import_as_of_an_earlier_day_is_not_missed(
    tenant: Tenant, enrolled: Callable[..., Enrolment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """A file imported with --as-of carries that day as the time of its changes, long before the last run."""
    settings.WINBACK_HOME = tmp_path
    enrolment = enrolled()
    job = make_job(enrolment.contact, NOW - DAY, external_id="job-1")
    attribute(tenant, now=NOW + 20 * DAY)
    file = tmp_path / "jobs.csv"
    file.write_text(
        "external_id,contact_external_id,completed_at,amount,status\n"
        f"job-1,{enrolment.contact.external_id},{job.completed_at.isoformat()},120.00,refunded\n"
    )

    call_command("import_jobs", str(file), tenant=tenant.slug, as_of="2026-09-01", stdout=StringIO())
    report = attribute(tenant, now=NOW + 20 * DAY)

    assert (report["withdrawn"], credited(tenant)) == (1, {})


def test_a_run_as_of_an_earlier_day_takes_nothing_away_and_the_next_one_goes_on(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    late, early = enrolled(), enrolled()
    job = make_job(late.contact, DAY_0 + 20 * DAY)
    attribute(tenant, now=NOW)

    attribute(tenant, now=DAY_0 + DAY)
    assert credited(tenant) == {late.pk: job.pk}

    other = make_job(early.contact, DAY_0 + 10 * DAY)
    attribute(tenant, now=NOW)
    assert credited(tenant) == {late.pk: job.pk, early.pk: other.pk}


def test_a_credited_job_that_moves_into_the_future_is_no_return_yet(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    enrolment = enrolled()
    job = make_job(enrolment.contact, DAY_0 + 10 * DAY)
    attribute(tenant, now=NOW)

    change(job, completed_at=NOW + DAY)
    assert (attribute(tenant, now=NOW)["withdrawn"], credited(tenant)) == (1, {})
    attribute(tenant, now=NOW + DAY)

    assert credited(tenant) == {enrolment.pk: job.pk}


def test_what_is_written_today_is_seen_though_the_last_run_was_as_of_next_year(
    tenant: Tenant, enrolled: Callable[..., Enrolment]
) -> None:
    """A sandbox is simulated ahead of the clock, and its jobs are then edited by the clock."""
    job = make_job(enrolled().contact, NOW - DAY)
    attribute(tenant, now=NOW + 365 * DAY)

    change(job, status=Job.Status.REFUNDED)
    report = attribute(tenant, now=NOW + 366 * DAY)

    assert (report["withdrawn"], credited(tenant)) == (1, {})


def test_an_enrolment_that_begins_before_the_last_run_is_credited_with_what_was_there(
    tenant: Tenant, campaign: Campaign
) -> None:
    """History is replayed: scanned, planned and attributed as of a day that lies before the last run."""
    contact = make_contact(tenant)
    job = make_job(contact, DAY_0 + DAY, updated_at=NOW - 100 * DAY)
    attribute(tenant, now=NOW)

    enrolment = make_enrolment(make_episode(contact), campaign)
    report = attribute(tenant, now=NOW)

    assert (report["closed"], credited(tenant)) == (1, {enrolment.pk: job.pk})
