"""The scan when the facts change afterwards: late jobs, refunds, business, and a past that is looked at again."""

from datetime import datetime, timedelta

from campaigns.audience.models import Job
from tenants.accounts.models import Tenant
from tests.audience.histories import (
    add_job,
    change_job,
    close_by_business,
    customer,
    episodes,
    events,
    only_episode,
    scan,
    tags,
)

DAY = timedelta(days=1)


def test_a_back_dated_job_corrects_the_lapse_and_opens_the_right_one_in_the_same_scan(
    tenant: Tenant, now: datetime
) -> None:
    contact = customer(tenant, now - 400 * DAY)
    scan(tenant, now)
    add_job(contact, now - 200 * DAY)

    report = scan(tenant, now + DAY)

    wrong, right = episodes(contact)
    assert (report.opened, report.closed, report.by_cohort["6"]) == (1, 1, 1)
    assert (wrong.closed_by, right.state, right.lapsed_from) == ("corrected", "open", now - 200 * DAY)
    assert tags(contact) == {"winback:6m"}


def test_a_back_dated_job_of_last_week_closes_the_lapse(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 400 * DAY)
    scan(tenant, now)
    add_job(contact, now - 7 * DAY)

    report = scan(tenant, now + DAY)

    assert (report.opened, report.closed, report.excluded) == (0, 1, {"not_lapsed_yet": 1})
    assert (only_episode(contact).closed_by, tags(contact)) == ("corrected", set())


def test_the_refund_of_the_job_it_lapsed_from_corrects_the_lapse(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 400 * DAY)
    job = add_job(contact, now - 200 * DAY)
    scan(tenant, now)
    change_job(job, status=Job.Status.REFUNDED)

    report = scan(tenant, now + DAY)

    assert (report.opened, report.closed, report.by_cohort["12"]) == (1, 1, 1)
    assert [(each.lapsed_from, each.state) for each in episodes(contact)] == [
        (now - 400 * DAY, "open"),
        (now - 200 * DAY, "closed"),
    ]


def test_a_new_job_is_left_to_attributing(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 200 * DAY)
    scan(tenant, now)
    add_job(contact, now + DAY)

    report = scan(tenant, now + 2 * DAY)

    assert (report.closed, report.excluded) == (0, {"in_open_episode": 1})
    assert only_episode(contact).state == "open"
    assert close_by_business(tenant, now=now + 2 * DAY) == 1
    assert scan(tenant, now + 2 * DAY).excluded == {"not_lapsed_yet": 1}


def test_a_refund_of_the_job_that_ended_it_opens_the_same_lapse_again(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 200 * DAY)
    scan(tenant, now)
    job = add_job(contact, now + DAY)
    close_by_business(tenant, now=now + DAY)
    scan(tenant, now + 2 * DAY)
    change_job(job, status=Job.Status.REFUNDED)

    report = scan(tenant, now + 3 * DAY)

    episode = only_episode(contact)
    assert (report.opened, report.by_cohort["6"]) == (1, 1)
    assert (episode.state, episode.opened_at, episode.closed_at, episode.closed_by) == ("open", now, None, "")
    assert len(events(tenant, "customer.dormant")) == len(events(tenant, "episode.reopened")) == 1
    assert tags(contact) == {"winback:6m"}


def test_after_business_a_contact_lapses_anew_in_an_episode_of_its_own(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 200 * DAY)
    scan(tenant, now)
    add_job(contact, now + DAY)
    close_by_business(tenant, now=now + DAY)

    report = scan(tenant, now + 200 * DAY)

    assert report.opened == 1
    assert [each.state for each in episodes(contact)] == ["closed", "open"]
    assert len(events(tenant, "customer.dormant")) == 2


def test_a_late_import_reopens_the_question(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant)
    assert scan(tenant, now).excluded == {"no_job": 1}
    add_job(contact, now - 300 * DAY)

    assert scan(tenant, now + DAY).by_cohort == {"6": 0, "9": 1, "12": 0}


def test_jobs_after_the_moment_do_not_exist_and_count_when_it_comes(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 400 * DAY, now - 150 * DAY)
    newcomer = customer(tenant, now - 150 * DAY)

    first = scan(tenant, now - 200 * DAY)
    second = scan(tenant, now - 150 * DAY)

    assert (first.opened, first.excluded) == (1, {"no_job": 1})
    assert second.excluded == {"not_lapsed_yet": 1, "in_open_episode": 1}
    assert (only_episode(contact).lapsed_from, episodes(newcomer)) == (now - 400 * DAY, [])


def test_a_scan_as_of_the_past_leaves_what_happened_later_alone(tenant: Tenant, now: datetime) -> None:
    open_now = customer(tenant, now - 300 * DAY)
    given_up = customer(tenant, now - 800 * DAY)
    scan(tenant, now)

    report = scan(tenant, now - 60 * DAY, full=True)

    assert (report.opened, report.moved, report.closed) == (0, 0, 0)
    assert report.excluded == {"in_open_episode": 2}
    assert (only_episode(open_now).state, only_episode(given_up).closed_by) == ("open", "given_up")
    assert scan(tenant, now + DAY, full=True).excluded == {"given_up": 1, "in_open_episode": 1}
