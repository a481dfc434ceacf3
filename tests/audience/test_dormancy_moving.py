"""An open lapse moves through its cohorts, never back, until it is given up or its contact is gone."""

from datetime import datetime, timedelta

from campaigns.audience import tagging
from campaigns.audience.models import Contact, Job
from tenants.accounts.models import Tenant
from tests.audience.histories import add_job, at, change_contact, customer, events, only_episode, reason, scan, tags
from tests.factories import make_activation

DAY = timedelta(days=1)


def test_moves_through_the_cohorts_in_one_episode_with_one_event(tenant: Tenant) -> None:
    contact = customer(tenant, at("2026-01-15T10:00"))
    seen = []
    for day in ("2026-07-15", "2026-10-14", "2026-10-15", "2027-01-15"):
        report = scan(tenant, at(f"{day}T12:00"))
        seen.append((report.opened, report.moved, only_episode(contact).cohort_months, tags(contact)))

    assert seen == [
        (1, 0, 6, {"winback:6m"}),
        (0, 0, 6, {"winback:6m"}),
        (0, 1, 9, {"winback:9m"}),
        (0, 1, 12, {"winback:12m"}),
    ]
    assert only_episode(contact).cohort_at == at("2027-01-15")
    (event,) = events(tenant, "customer.dormant")
    assert (event.contact_id, event.subject_id) == (contact.pk, only_episode(contact).pk)
    assert (event.data["cohort"], event.data["episode"]) == (6, only_episode(contact).pk)
    assert event.occurred_at == at("2026-07-15T12:00")


def test_a_tag_or_a_booking_leaves_an_open_lapse_open(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - 200 * DAY)
    scan(tenant, now)
    tagging.tag_contact(contact, "dnc", now=now, source="staff")
    add_job(contact, now + 9 * DAY, status=Job.Status.SCHEDULED)

    report = scan(tenant, now + DAY)

    assert (report.closed, report.excluded) == (0, {"in_open_episode": 1})


def test_a_lapse_older_than_the_limit_is_opened_and_given_up_in_one_scan(tenant: Tenant) -> None:
    contact = customer(tenant, at("2024-09-30T20:00"))
    younger = customer(tenant, at("2024-10-01T08:00"))

    report = scan(tenant, at("2026-09-30T12:00"))

    assert (report.opened, report.closed, report.by_cohort["12"]) == (2, 1, 2)
    episode = only_episode(contact)
    assert (episode.state, episode.closed_by, episode.closed_at) == ("closed", "given_up", at("2026-09-30T12:00"))
    assert only_episode(younger).state == "open"
    assert (reason(contact), tags(contact), tags(younger)) == ("given_up", set(), {"winback:12m"})
    assert scan(tenant, at("2026-09-30T13:00"), full=True).excluded == {"given_up": 1, "in_open_episode": 1}


def test_an_open_lapse_is_given_up_on_its_day(tenant: Tenant) -> None:
    contact = customer(tenant, at("2026-01-31T12:00"))
    scan(tenant, at("2027-01-31T12:00"))

    before, after = scan(tenant, at("2028-01-30T23:59")), scan(tenant, at("2028-01-31T00:00"))

    assert (before.closed, after.closed, after.excluded) == (0, 1, {"given_up": 1})
    assert (only_episode(contact).closed_by, tags(contact)) == ("given_up", set())


def test_an_erased_or_merged_contact_s_lapse_is_closed(tenant: Tenant, now: datetime) -> None:
    erased, merged = customer(tenant, now - 200 * DAY), customer(tenant, now - 200 * DAY)
    scan(tenant, now)
    change_contact(erased, state=Contact.State.ERASED)
    change_contact(merged, state=Contact.State.MERGED, merged_into=customer(tenant, now - DAY))

    report = scan(tenant, now + DAY)

    assert (report.closed, report.excluded) == (2, {"not_lapsed_yet": 1, "erased": 1, "merged": 1})
    assert (only_episode(erased).closed_by, only_episode(merged).closed_by) == ("erased", "merged")
    assert tags(erased) == set()
    assert [event.data["by"] for event in events(tenant, "episode.closed")] == ["erased", "merged"]


def test_changed_settings_are_noticed_by_the_next_scan_though_nothing_is_due(tenant: Tenant, now: datetime) -> None:
    activation = make_activation(tenant)
    contact = customer(tenant, now - 100 * DAY)
    assert scan(tenant, now).excluded == {"not_lapsed_yet": 1}
    activation.settings["dormant_cohorts_months"] = [3, 6, 9]
    activation.save()

    assert scan(tenant, now).by_cohort == {"3": 1, "6": 0, "9": 0}
    assert only_episode(contact).cohort_months == 3


def test_an_open_lapse_never_moves_back(tenant: Tenant, now: datetime) -> None:
    activation = make_activation(tenant)
    contact = customer(tenant, now - 300 * DAY)
    scan(tenant, now)
    activation.settings["dormant_cohorts_months"] = [6, 12]
    activation.save()

    assert scan(tenant, now).moved == 0
    assert only_episode(contact).cohort_months == 9
