"""The scan opens a lapse for whoever is gone long enough, and says why others have none."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.audience import dormancy, tagging
from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import ContactTag, Job
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tests.audience.histories import add_job, at, customer, episodes, events, only_episode, reason, scan
from tests.factories import make_activation, make_contact, make_tenant
from winback.tenancy import acting_for_all

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("last_job", "day"),
    [
        ("2026-08-31T23:59", "2027-02-28"),
        ("2026-08-28T00:00", "2027-02-28"),
        ("2027-08-31T12:00", "2028-02-29"),
        ("2024-08-29T12:00", "2025-02-28"),
        ("2026-03-31T12:00", "2026-09-30"),
        ("2026-01-15T12:00", "2026-07-15"),
    ],
)
def test_opens_at_the_start_of_the_day_six_calendar_months_later(tenant: Tenant, last_job: str, day: str) -> None:
    contact = customer(tenant, at(last_job))
    boundary = at(day)

    before = scan(tenant, boundary - timedelta(seconds=1))
    after = scan(tenant, boundary)

    assert (before.opened, before.excluded) == (0, {"not_lapsed_yet": 1})
    assert (after.opened, after.by_cohort, after.excluded) == (1, {"6": 1, "9": 0, "12": 0}, {})
    episode = only_episode(contact)
    assert (episode.cohort_at, episode.lapsed_from, episode.opened_at) == (boundary, at(last_job), boundary)


def test_the_tenants_zone_decides_which_day_it_was(db: None) -> None:
    # 02:00 UTC on 1 March is 28 February in Portland and 1 March in London: six months on, 28 August and 1 September.
    with acting_for_all("test with two zones"):
        portland, london = make_tenant(timezone="America/Los_Angeles"), make_tenant(timezone="Europe/London")
        for tenant in (portland, london):
            customer(tenant, datetime(2026, 3, 1, 2, tzinfo=UTC))

        first = dormancy.scan(now=datetime(2026, 8, 28, 7, tzinfo=UTC))
        second = dormancy.scan(now=datetime(2026, 8, 31, 23, tzinfo=UTC))

    assert (first[portland.pk].opened, first[london.pk].opened) == (1, 0)
    assert (second[portland.pk].opened, second[london.pk].opened) == (0, 1)


def test_opens_in_the_highest_cohort_that_is_reached(tenant: Tenant) -> None:
    now = at("2026-09-30T12:00")
    for day in ("2025-09-30", "2025-10-01", "2025-12-31", "2026-01-01", "2026-03-31", "2026-04-01"):
        customer(tenant, at(day))

    report = scan(tenant, now)

    assert (report.opened, report.by_cohort) == (5, {"6": 2, "9": 2, "12": 1})
    assert report.excluded == {"not_lapsed_yet": 1}


def test_scanning_twice_changes_nothing_more(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant)
    contact = customer(tenant, now - 200 * DAY)
    scan(tenant, now)

    again = scan(tenant, now + timedelta(seconds=1))
    full = scan(tenant, now + timedelta(seconds=2), full=True)

    assert (again.opened, again.moved, again.closed, again.excluded) == (0, 0, 0, {})
    assert (full.opened, full.moved, full.closed, full.excluded) == (0, 0, 0, {"in_open_episode": 1})
    assert len(episodes(contact)) == len(events(tenant, "customer.dormant")) == 1


def test_says_why_others_are_not_opened(tenant: Tenant) -> None:
    now = at("2026-09-30T12:00")
    long_ago = at("2026-01-01T12:00")
    customer(tenant)
    booked = customer(tenant, long_ago)
    add_job(booked, now + DAY, status=Job.Status.SCHEDULED)
    refused = customer(tenant, long_ago)
    tagging.tag_contact(refused, "Do Not Contact", now=now, source="staff")
    customer(tenant, now - 10 * DAY)
    customer(tenant, long_ago, state="erased")
    customer(tenant, long_ago, state="merged")
    customer(tenant, long_ago)

    report = scan(tenant, now)

    assert report.opened == 1
    assert report.excluded == {
        "no_job": 1,
        "scheduled_ahead": 1,
        "do_not_contact": 1,
        "not_lapsed_yet": 1,
        "erased": 1,
        "merged": 1,
    }
    assert (reason(booked), reason(refused)) == ("scheduled_ahead", "do_not_contact")


def test_refunded_and_cancelled_jobs_are_no_business(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 400 * DAY)
    add_job(contact, now - 10 * DAY, status=Job.Status.REFUNDED)
    add_job(contact, now - 5 * DAY, status=Job.Status.CANCELLED)

    assert scan(tenant, now).by_cohort == {"6": 0, "9": 0, "12": 1}


def test_a_booking_that_has_passed_without_business_no_longer_holds_back(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 200 * DAY)
    add_job(contact, now + 3 * DAY, status=Job.Status.SCHEDULED)
    scan(tenant, now)

    assert scan(tenant, now + 3 * DAY - timedelta(seconds=1)).opened == 0
    assert scan(tenant, now + 3 * DAY).opened == 1


@pytest.mark.parametrize("name", ["do-not-contact", "DNC", " Deceased "])
def test_do_not_contact_tags_are_compared_without_regard_to_case(tenant: Tenant, now: datetime, name: str) -> None:
    contact = customer(tenant, now - 200 * DAY)
    ContactTag.objects.create(tenant=tenant, contact=contact, name=name, source="elsewhere")

    assert scan(tenant, now).excluded == {"do_not_contact": 1}


def test_do_not_contact_tags_are_a_setting(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, settings={"do_not_contact_tags": ["Moved Away"]})
    for name in ("moved away", "dnc"):
        tagging.tag_contact(customer(tenant, now - 200 * DAY), name, now=now, source="staff")

    report = scan(tenant, now)

    assert (report.opened, report.excluded) == (1, {"do_not_contact": 1})


def test_tagged_contacts_are_opened_when_the_setting_does_not_exclude_them(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, settings={"exclude_do_not_contact": False})
    tagging.tag_contact(customer(tenant, now - 200 * DAY), "dnc", now=now, source="staff")

    assert scan(tenant, now).opened == 1


def test_a_tag_that_expires_or_is_taken_off_lets_the_lapse_open(tenant: Tenant, now: datetime) -> None:
    for_a_week, for_good = customer(tenant, now - 200 * DAY), customer(tenant, now - 200 * DAY)
    tagging.tag_contact(for_a_week, "dnc", now=now, source="staff", expires_at=now + 7 * DAY)
    tagging.tag_contact(for_good, "dnc", now=now, source="staff")
    scan(tenant, now)

    assert scan(tenant, now + 6 * DAY).opened == 0
    assert scan(tenant, now + 7 * DAY).opened == 1
    tagging.untag_contact(for_good, "DNC", now=now + 8 * DAY, source="staff")
    assert scan(tenant, now + 8 * DAY).opened == 1


def test_a_tag_stated_later_than_the_moment_does_not_exist_yet(tenant: Tenant, now: datetime) -> None:
    tagging.tag_contact(customer(tenant, now - 200 * DAY), "dnc", now=now + DAY, source="staff")

    assert scan(tenant, now).opened == 1


def test_cohorts_are_a_setting(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, settings={"dormant_cohorts_months": [18, 3]})
    customer(tenant, now - 100 * DAY)

    assert scan(tenant, now).by_cohort == {"3": 1, "18": 0}


def test_without_an_activation_the_niche_s_thresholds_hold(tenant: Tenant, now: datetime) -> None:
    tenant.niche.content["thresholds"] = {"dormant_cohorts_months": [4, 30]}
    tenant.niche.save()
    customer(tenant, now - 140 * DAY)
    customer(tenant, now - 800 * DAY)

    report = scan(tenant, now)

    # Nobody is given up before the last cohort.
    assert (report.by_cohort, report.closed) == ({"4": 2, "30": 0}, 0)
    assert Assignment.objects.for_tenant(tenant).count() == 0


def test_a_suspended_activation_s_settings_still_hold(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, settings={"dormant_cohorts_months": [3]}, state=ModuleActivation.State.SUSPENDED)
    customer(tenant, now - 100 * DAY)

    assert scan(tenant, now).opened == 1


def test_leaves_other_tenants_alone(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    ours, theirs = two_tenants
    customer(ours, now - 200 * DAY)
    stranger = customer(theirs, now - 200 * DAY)

    reports = dormancy.scan(now=now, tenant=ours)

    assert set(reports) == {ours.pk}
    assert episodes(stranger) == []


def test_one_pass_scans_every_active_tenant_and_no_suspended_one(
    two_tenants: tuple[Tenant, Tenant], now: datetime
) -> None:
    ours, theirs = two_tenants
    asleep = make_tenant(state=Tenant.State.SUSPENDED)
    for tenant in (ours, theirs, asleep):
        customer(tenant, now - 200 * DAY)

    reports = dormancy.scan(now=now)

    assert {tenant_id: report.opened for tenant_id, report in reports.items()} == {ours.pk: 1, theirs.pk: 1}


def test_a_tenant_whose_scan_fails_does_not_stop_the_others(
    two_tenants: tuple[Tenant, Tenant], now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    ours, broken = two_tenants
    contact = customer(ours, now - 200 * DAY)
    customer(broken, now - 200 * DAY)
    Tenant.objects.filter(pk=broken.pk).update(timezone="Mars/Olympus")

    with pytest.raises(dormancy.ScanFailed) as failed:
        dormancy.scan(now=now)

    assert failed.value.failures.keys() == {broken.pk}
    assert failed.value.reports[ours.pk].opened == len(episodes(contact)) == 1
    assert "tenant" in caplog.text


def test_a_full_scan_finds_what_was_not_made_due(
    tenant: Tenant, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    contact = make_contact(tenant)
    scan(tenant, now)
    customer_of_long_ago = customer(tenant, now - 200 * DAY)
    contact.stat.last_job_at = now - 200 * DAY  # written by somebody who did not pull next_scan_at forward
    contact.stat.next_scan_at = None
    contact.stat.save()
    assert scan(tenant, now).opened == 1

    report = scan(tenant, now, full=True)

    assert (report.opened, report.excluded) == (1, {"in_open_episode": 1})
    assert "1 contacts were not due" in caplog.text
    assert len(episodes(customer_of_long_ago)) == 1


def test_tags_with_quotes_and_backslashes_are_compared_as_they_stand(tenant: Tenant, now: datetime) -> None:
    awkward = ['say "no"', "back\\slash", "comma, brace }", "null"]
    make_activation(tenant, settings={"do_not_contact_tags": awkward})
    for name in awkward:
        tagging.tag_contact(customer(tenant, now - 200 * DAY), name, now=now, source="staff")

    assert scan(tenant, now).excluded == {"do_not_contact": 4}
