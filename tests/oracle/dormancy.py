"""Who is dormant as of a moment (contract §7), computed one contact at a time."""

from calendar import monthrange
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tests.oracle.history import History, JobRow

COHORTS = (6, 9, 12)

#: The order in which contract §7 names the reasons: a contact to which several apply is counted under the first.
REASON_ORDER = ("no_job", "scheduled_ahead", "do_not_contact", "not_lapsed_yet", "given_up")


@dataclass(frozen=True)
class Verdict:
    """What the scan should make of one contact."""

    last_job_at: datetime | None
    cohort: int | None  # the highest cohort reached, whatever else speaks against opening
    cohort_at: datetime | None
    reasons: tuple[str, ...]  # every reason that applies, in REASON_ORDER; empty: opened
    given_up: bool = False  # silent for give_up_months or more

    @property
    def opened(self) -> bool:
        """Whether an episode is opened."""
        return not self.reasons


@dataclass(frozen=True)
class Counts:
    """A first, full scan summed up, with the keys of ``scan_dormant --json``."""

    contacts: int
    opened: int
    by_cohort: dict[int, int]
    excluded: dict[str, int]  # first reason of each
    excluded_any: dict[str, int]  # every reason of each
    silent_beyond_giving_up: int  # have business, no reason but age: opened or not as the caller chose


def add_months(day: date, months: int) -> date:
    """The same day of the month some months later, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of that calendar day in the zone.

    Where midnight happens twice this is the earlier one (fold 0); where the clock jumps over midnight, fold 0 reads
    it by the offset before the jump, which is the instant of the jump.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def cohort_starts(last_job_at: datetime, zone: ZoneInfo, months: int) -> datetime:
    """When a contact whose last business was then enters the cohort."""
    return start_of_day(add_months(last_job_at.astimezone(zone).date(), months), zone)


def judge(
    jobs: Iterable[JobRow],
    tags: Collection[str],
    *,
    as_of: datetime,
    zone: ZoneInfo,
    cohorts: Sequence[int] = COHORTS,
    do_not_contact_tags: Collection[str] = ("do-not-contact",),
    give_up_months: int | None = 24,
    open_given_up: bool = False,
) -> Verdict:
    """The verdict on one contact.

    ``open_given_up``: a contact beyond ``give_up_months`` is opened in its highest cohort all the same (the scan then
    closes it in the same pass), instead of being left out with the reason ``given_up``.
    """
    jobs = list(jobs)
    counted = [job.at for job in jobs if job.counts and job.at <= as_of]
    last = max(counted, default=None)
    applies: set[str] = set()
    cohort: int | None = None
    cohort_at: datetime | None = None
    given_up = False
    if last is None:
        applies.add("no_job")
    else:
        for months in sorted(cohorts):
            starts = cohort_starts(last, zone, months)
            if starts <= as_of:
                cohort, cohort_at = months, starts
        if cohort is None:
            applies.add("not_lapsed_yet")
        given_up = give_up_months is not None and cohort_starts(last, zone, give_up_months) <= as_of
        if given_up and not open_given_up:
            applies.add("given_up")
    if any(job.status == "scheduled" and job.at > as_of for job in jobs):
        applies.add("scheduled_ahead")
    if {tag.strip().lower() for tag in tags} & {tag.strip().lower() for tag in do_not_contact_tags}:
        applies.add("do_not_contact")
    return Verdict(
        last_job_at=last,
        cohort=cohort,
        cohort_at=cohort_at,
        reasons=tuple(reason for reason in REASON_ORDER if reason in applies),
        given_up=given_up,
    )


def judge_all(
    history: History,
    *,
    as_of: datetime,
    cohorts: Sequence[int] = COHORTS,
    do_not_contact_tags: Collection[str] = ("do-not-contact",),
    give_up_months: int | None = 24,
    open_given_up: bool = False,
) -> dict[str, Verdict]:
    """The verdict on every contact of a history, by its key."""
    jobs = history.jobs_by_contact()
    return {
        key: judge(
            jobs[key],
            contact.tags,
            as_of=as_of,
            zone=history.zone,
            cohorts=cohorts,
            do_not_contact_tags=do_not_contact_tags,
            give_up_months=give_up_months,
            open_given_up=open_given_up,
        )
        for key, contact in history.contacts.items()
    }


def count(verdicts: dict[str, Verdict], *, cohorts: Sequence[int] = COHORTS) -> Counts:
    """The verdicts as the counts that a first, full scan reports."""
    opened = [verdict for verdict in verdicts.values() if verdict.opened]
    by_cohort = Counter(verdict.cohort for verdict in opened)
    closed_out = [verdict for verdict in verdicts.values() if not verdict.opened]
    return Counts(
        contacts=len(verdicts),
        opened=len(opened),
        by_cohort={months: by_cohort[months] for months in cohorts},
        excluded=dict(Counter(verdict.reasons[0] for verdict in closed_out)),
        excluded_any=dict(Counter(reason for verdict in closed_out for reason in verdict.reasons)),
        silent_beyond_giving_up=sum(
            verdict.given_up and not set(verdict.reasons) - {"given_up"} for verdict in verdicts.values()
        ),
    )
