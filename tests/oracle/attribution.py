"""Who came back within the window and what that brought in, computed one assignment at a time (contract §6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.oracle.history import JobRow


@dataclass(frozen=True)
class AssignmentRow:
    """One enrolled episode: its contact, its arm, and when its first step fell (or would have fallen) due."""

    contact: str
    arm: str  # "treated" or "held_out"
    first_due_at: datetime


@dataclass(frozen=True)
class ReturnRow:
    """The first counted job of one assignment within its window."""

    assignment: AssignmentRow
    job: JobRow
    matured: bool


@dataclass(frozen=True)
class ArmCounts:
    """One arm's line of the report."""

    assigned: int
    matured: int  # their window has closed
    reactivated: int
    reactivated_of_matured: int
    revenue: Decimal
    rate: float | None  # reactivated of matured ÷ matured; None: nobody matured


def first_in_window(jobs: Iterable[JobRow], *, start: datetime, window_days: int, as_of: datetime) -> JobRow | None:
    """The first counted job from the start of the window (included) to its end (excluded) that exists as of then.

    A window's day is 24 hours: it does not grow or shrink when clocks change.
    """
    end = start + timedelta(days=window_days)
    found = [job for job in jobs if job.counts and start <= job.at < end and job.at <= as_of]
    return min(found, key=lambda job: (job.at, job.external_id), default=None)


def returns(
    assignments: Iterable[AssignmentRow],
    jobs_by_contact: Mapping[str, Sequence[JobRow]],
    *,
    window_days: int,
    as_of: datetime,
) -> list[ReturnRow]:
    """Every reactivation, earliest first step first; a job that several windows hold counts for the earliest alone."""
    taken: set[str] = set()
    found: list[ReturnRow] = []
    for assignment in sorted(assignments, key=lambda row: (row.first_due_at, row.contact)):
        free = [job for job in jobs_by_contact.get(assignment.contact, ()) if job.external_id not in taken]
        job = first_in_window(free, start=assignment.first_due_at, window_days=window_days, as_of=as_of)
        if job is not None:
            taken.add(job.external_id)
            matured = assignment.first_due_at + timedelta(days=window_days) <= as_of
            found.append(ReturnRow(assignment, job, matured))
    return found


def by_arm(
    assignments: Iterable[AssignmentRow],
    jobs_by_contact: Mapping[str, Sequence[JobRow]],
    *,
    window_days: int,
    as_of: datetime,
) -> dict[str, ArmCounts]:
    """The report's lines for ``treated`` and ``held_out``."""
    assignments = list(assignments)
    came_back = returns(assignments, jobs_by_contact, window_days=window_days, as_of=as_of)
    window = timedelta(days=window_days)
    lines = {}
    for arm in ("treated", "held_out"):
        assigned = [row for row in assignments if row.arm == arm]
        matured = sum(row.first_due_at + window <= as_of for row in assigned)
        here = [row for row in came_back if row.assignment.arm == arm]
        of_matured = sum(row.matured for row in here)
        lines[arm] = ArmCounts(
            assigned=len(assigned),
            matured=matured,
            reactivated=len(here),
            reactivated_of_matured=of_matured,
            revenue=sum((row.job.amount for row in here), Decimal(0)),
            rate=of_matured / matured if matured else None,
        )
    return lines
