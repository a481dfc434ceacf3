"""The oracle of dormancy against cases worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.dormancy import Verdict, add_months, cohort_starts, count, judge, judge_all, start_of_day
from tests.oracle.history import ContactRow, History, JobRow

LONDON = ZoneInfo("Europe/London")
PORTLAND = ZoneInfo("America/Los_Angeles")


def job(at: datetime, status: str = "completed", external_id: str = "j") -> JobRow:
    return JobRow(external_id, "c", at.astimezone(UTC), Decimal(100), status)


def verdict(*jobs: JobRow, as_of: datetime, zone: ZoneInfo = LONDON, tags: tuple[str, ...] = ()) -> Verdict:
    return judge(jobs, tags, as_of=as_of, zone=zone)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),  # 2028 is a leap year
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 3, 31), 6, date(2026, 9, 30)),
        (date(2026, 3, 30), 6, date(2026, 9, 30)),
        (date(2026, 12, 31), 9, date(2027, 9, 30)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
    ],
)
def test_months_end_on_the_same_day_or_the_last_of_the_month(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


def test_a_job_on_31_august_is_dormant_from_the_start_of_28_february() -> None:
    last = job(datetime(2026, 8, 31, 23, 59, tzinfo=LONDON))
    boundary = datetime(2027, 2, 28, 0, 0, tzinfo=LONDON)

    assert verdict(last, as_of=boundary - timedelta(seconds=1)).reasons == ("not_lapsed_yet",)
    assert verdict(last, as_of=boundary).cohort == 6
    assert verdict(last, as_of=boundary).cohort_at == boundary


def test_a_summer_job_lapses_at_a_winter_midnight() -> None:
    # 15 July 2026 in London is UTC+1, 15 January 2027 UTC+0: the boundary is a midnight of the wall clock.
    assert cohort_starts(datetime(2026, 7, 15, 9, tzinfo=LONDON), LONDON, 6) == datetime(2027, 1, 15, 0, tzinfo=UTC)
    # The other way round: 15 January + 6 months is 15 July, whose midnight is 23:00 UTC of the day before.
    assert cohort_starts(datetime(2026, 1, 15, 9, tzinfo=LONDON), LONDON, 6) == datetime(2026, 7, 14, 23, tzinfo=UTC)


def test_the_tenants_zone_decides_which_day_it_was() -> None:
    # 02:00 UTC on 1 March is still 28 February, 18:00, in Portland (UTC-8); six months on is 28 August.
    at = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)

    assert cohort_starts(at, PORTLAND, 6) == datetime(2026, 8, 28, 7, 0, tzinfo=UTC)  # midnight at UTC-7
    assert cohort_starts(at, ZoneInfo("UTC"), 6) == datetime(2026, 9, 1, 0, 0, tzinfo=UTC)


def test_a_day_of_23_hours_begins_at_its_midnight() -> None:
    # Clocks in London went forward at 01:00 on 29 March 2026: the day began at 00:00 UTC+0.
    assert start_of_day(date(2026, 3, 29), LONDON) == datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert start_of_day(date(2026, 3, 30), LONDON) == datetime(2026, 3, 29, 23, 0, tzinfo=UTC)


def test_a_day_whose_midnight_the_clock_skips_begins_at_the_skip() -> None:
    # In Cairo clocks went from 24:00 (UTC+2) to 01:00 (UTC+3) when Thursday 25 April 2024 ended.
    assert start_of_day(date(2024, 4, 26), ZoneInfo("Africa/Cairo")) == datetime(2024, 4, 25, 22, 0, tzinfo=UTC)


def test_a_day_with_two_midnights_begins_at_the_first() -> None:
    # In Havana clocks went back from 01:00 (UTC-4) to 00:00 (UTC-5) on 3 November 2024.
    assert start_of_day(date(2024, 11, 3), ZoneInfo("America/Havana")) == datetime(2024, 11, 3, 4, 0, tzinfo=UTC)


def test_opens_in_the_highest_cohort_that_is_reached() -> None:
    as_of = datetime(2026, 9, 30, 12, tzinfo=LONDON)
    days = [date(2025, 9, 30), date(2025, 10, 1), date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 31)]

    found = [
        verdict(job(datetime(day.year, day.month, day.day, 10, tzinfo=LONDON)), as_of=as_of).cohort for day in days
    ]

    # 31 December + 9 months is 30 September (which has no 31st): the last day of cohort 9.
    assert found == [12, 9, 9, 6, 6]


def test_31_march_plus_6_months_is_30_september_but_1_april_is_not() -> None:
    as_of = datetime(2026, 9, 30, 12, tzinfo=LONDON)

    assert verdict(job(datetime(2026, 3, 31, 10, tzinfo=LONDON)), as_of=as_of).cohort == 6
    assert verdict(job(datetime(2026, 4, 1, 10, tzinfo=LONDON)), as_of=as_of).reasons == ("not_lapsed_yet",)


def test_refunded_and_cancelled_jobs_are_no_business() -> None:
    old, late = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    as_of = datetime(2026, 9, 30, tzinfo=UTC)

    assert verdict(job(old), job(late, "refunded"), job(late, "cancelled"), as_of=as_of).cohort == 12
    assert verdict(job(old, "refunded"), as_of=as_of).reasons == ("no_job",)
    assert verdict(as_of=as_of).reasons == ("no_job",)


def test_what_happened_after_the_moment_does_not_exist() -> None:
    as_of = datetime(2026, 9, 30, tzinfo=UTC)

    assert verdict(job(datetime(2025, 1, 1, tzinfo=UTC)), job(as_of + timedelta(days=1)), as_of=as_of).cohort == 12


def test_a_scheduled_job_ahead_keeps_it_closed_and_a_past_one_does_not() -> None:
    as_of = datetime(2026, 9, 30, tzinfo=UTC)
    old = job(datetime(2025, 10, 1, tzinfo=UTC))

    assert verdict(old, job(as_of + timedelta(days=9), "scheduled"), as_of=as_of).reasons == ("scheduled_ahead",)
    assert verdict(old, job(as_of - timedelta(days=9), "scheduled"), as_of=as_of).opened


def test_a_contact_is_counted_under_the_first_reason_of_the_contract() -> None:
    as_of = datetime(2026, 9, 30, tzinfo=UTC)
    ahead = job(as_of + timedelta(days=9), "scheduled")

    assert verdict(ahead, as_of=as_of, tags=("Do-Not-Contact ",)).reasons == (
        "no_job",
        "scheduled_ahead",
        "do_not_contact",
    )


def test_24_months_of_silence_is_given_up_unless_asked_otherwise() -> None:
    as_of = datetime(2026, 9, 30, 12, tzinfo=LONDON)
    last_day, next_day = (
        job(datetime(2024, 9, 30, 20, tzinfo=LONDON)),
        job(datetime(2024, 10, 1, 8, tzinfo=LONDON)),
    )

    assert verdict(last_day, as_of=as_of).reasons == ("given_up",)
    assert verdict(next_day, as_of=as_of).opened
    opened = judge([last_day], (), as_of=as_of, zone=LONDON, open_given_up=True)
    assert (opened.opened, opened.cohort, opened.given_up) == (True, 12, True)
    assert judge([last_day], (), as_of=as_of, zone=LONDON, give_up_months=None).opened


def test_counts_every_contact_once() -> None:
    as_of = datetime(2026, 9, 30, 12, tzinfo=LONDON)
    history = History(zone=LONDON)
    for name, at in {
        "six": datetime(2026, 3, 1, tzinfo=UTC),
        "twelve": datetime(2025, 3, 1, tzinfo=UTC),
        "ancient": datetime(2020, 3, 1, tzinfo=UTC),
        "recent": datetime(2026, 9, 1, tzinfo=UTC),
    }.items():
        history.contacts[name] = ContactRow(name, "", "", frozenset(), "", "")
        history.jobs[name] = JobRow(name, name, at, Decimal(1), "completed")
    history.contacts["nobody"] = ContactRow("nobody", "", "", frozenset(), "", "")

    counts = count(judge_all(history, as_of=as_of))

    assert counts.by_cohort == {6: 1, 9: 0, 12: 1}
    assert counts.excluded == {"no_job": 1, "not_lapsed_yet": 1, "given_up": 1}
    assert counts.opened + sum(counts.excluded.values()) == counts.contacts == 5
