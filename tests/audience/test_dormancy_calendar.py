"""Months and midnights: the cut-offs and the days that the scan computes are the oracle's, in every zone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience import dormancy
from campaigns.audience.dormancy_rules import cut_off
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import ContactStat
from tests.audience import histories
from tests.factories import make_tenant
from tests.oracle.dormancy import cohort_starts, judge
from tests.oracle.history import ContactRow, History, JobRow
from winback.tenancy import acting_for, acting_for_all

# Midnights that are skipped (Cairo, São Paulo, Apia skips a day) or there twice (Havana, São Paulo, Azores), half
# hours (Lord Howe, Kathmandu), the far ends (Kiritimati, Pago Pago), no changes at all (UTC).
ZONES = [
    "Africa/Cairo", "America/Chicago", "America/Havana", "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu",
    "Atlantic/Azores", "Australia/Lord_Howe", "Europe/London", "Pacific/Apia", "Pacific/Kiritimati",
    "Pacific/Pago_Pago", "UTC",
]  # fmt: skip

moments = st.datetimes(datetime(2012, 1, 1), datetime(2037, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


@given(moments, st.sampled_from(ZONES), st.integers(1, 120), st.integers(-3 * 86_400, 3 * 86_400))
def test_a_cut_off_divides_contacts_as_the_oracle_does(last: datetime, zone: str, months: int, offset: int) -> None:
    start = cohort_starts(last, ZoneInfo(zone), months)
    for now in (start + timedelta(seconds=offset), start, start - timedelta(microseconds=1)):
        assert (last < cut_off(now, zone, months)) == (start <= now)


@given(moments, st.sampled_from(ZONES), st.integers(1, 60))
def test_a_cut_off_never_goes_back_as_time_goes_on(now: datetime, zone: str, months: int) -> None:
    later = [cut_off(now + timedelta(hours=hours), zone, months) for hours in range(0, 240, 5)]

    assert later == sorted(later)
    assert all(longer < shorter for longer, shorter in [(cut_off(now, zone, months + 1), cut_off(now, zone, months))])


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ZONES)
def test_the_days_that_the_database_computes_are_the_oracle_s(zone: str) -> None:
    """Jobs around every month end and change of clocks of ten years: cohort, its day, and when to look again."""
    now = datetime(2024, 11, 3, 4, 30, tzinfo=UTC)
    history = History(zone=ZoneInfo(zone))
    hours = [datetime(2015, 1, 1, tzinfo=UTC) + timedelta(hours=91 * number) for number in range(950)]
    awkward = [
        start_of_change + timedelta(minutes=minutes)
        for start_of_change in changes_of_clocks(history.zone)
        for minutes in (-90, -31, -1, 0, 1, 29, 61)
    ]
    for number, at in enumerate(sorted({*hours, *awkward})):
        key = f"c{number}"
        history.contacts[key] = ContactRow(key, "", "", frozenset(), "", "")
        history.jobs[key] = JobRow(key, key, at, Decimal(1), "completed")
    with acting_for_all("test set-up"):
        tenant = make_tenant(timezone=zone)
    with acting_for(tenant.pk):
        histories.load(tenant, history)

        dormancy.scan(now=now, tenant=tenant)

        opened = DormancyEpisode.objects.for_tenant(tenant).values_list("contact__external_id", "cohort_at")
        looks = ContactStat.objects.for_tenant(tenant).values_list("contact__external_id", "next_scan_at")
        found, next_looks = dict(opened), dict(looks)
    for key, job in history.jobs.items():
        verdict = judge([job], (), as_of=now, zone=history.zone, open_given_up=True)
        starts = [cohort_starts(job.at, history.zone, months) for months in (6, 9, 12, 24)]
        ahead = None if verdict.last_job_at is None else min((start for start in starts if start > now), default=None)
        assert found.get(key) == verdict.cohort_at, job.at
        assert next_looks[key] == (ahead if verdict.last_job_at else job.at), job.at


def changes_of_clocks(zone: ZoneInfo) -> list[datetime]:
    days = [datetime(2014, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(365 * 11)]
    return [
        day + timedelta(hours=hour)
        for day in days
        if day.astimezone(zone).utcoffset() != (day + timedelta(days=1)).astimezone(zone).utcoffset()
        for hour in range(24)
        if (day + timedelta(hours=hour - 1)).astimezone(zone).utcoffset()
        != (day + timedelta(hours=hour)).astimezone(zone).utcoffset()
    ]
