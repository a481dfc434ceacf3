"""The oracle of attribution against cases worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.oracle.attribution import ArmCounts, AssignmentRow, by_arm, returns
from tests.oracle.history import JobRow

DUE = datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
LATER = DUE + timedelta(days=365)


def job(contact: str, at: datetime, amount: str = "100.00", status: str = "completed", number: int = 1) -> JobRow:
    return JobRow(f"{contact}-{number}", contact, at, Decimal(amount), status)


def test_counts_the_first_job_from_the_due_moment_to_the_end_of_the_window() -> None:
    assignments = [AssignmentRow(name, "treated", DUE) for name in ("early", "at_due", "last_second", "too_late")]
    jobs = {
        "early": [job("early", DUE - timedelta(seconds=1))],
        "at_due": [job("at_due", DUE)],
        "last_second": [job("last_second", DUE + timedelta(days=60, seconds=-1))],
        "too_late": [job("too_late", DUE + timedelta(days=60))],
    }

    found = returns(assignments, jobs, window_days=60, as_of=LATER)

    assert [row.assignment.contact for row in found] == ["at_due", "last_second"]


def test_takes_the_money_of_the_first_counted_job_alone() -> None:
    jobs = {
        "c": [
            job("c", DUE + timedelta(days=1), "500.00", "refunded", 1),
            job("c", DUE + timedelta(days=2), "80.00", "completed", 2),
            job("c", DUE + timedelta(days=3), "900.00", "completed", 3),
        ]
    }

    arms = by_arm([AssignmentRow("c", "treated", DUE)], jobs, window_days=30, as_of=LATER)

    assert arms["treated"] == ArmCounts(1, 1, 1, 1, Decimal("80.00"), 1.0)


def test_one_job_counts_once_for_the_earlier_of_two_windows() -> None:
    second_due = DUE + timedelta(days=10)
    assignments = [AssignmentRow("c", "treated", second_due), AssignmentRow("c", "treated", DUE)]

    found = returns(assignments, {"c": [job("c", DUE + timedelta(days=20))]}, window_days=60, as_of=LATER)

    assert [row.assignment.first_due_at for row in found] == [DUE]


def test_rates_count_only_those_whose_window_has_closed() -> None:
    as_of = DUE + timedelta(days=60)
    assignments = [
        AssignmentRow("old_back", "treated", DUE),
        AssignmentRow("old_gone", "treated", DUE),
        AssignmentRow("young_back", "treated", DUE + timedelta(seconds=1)),
        AssignmentRow("quiet", "held_out", DUE + timedelta(days=50)),
    ]
    jobs = {name: [job(name, DUE + timedelta(days=5), "10.00")] for name in ("old_back", "young_back")}

    arms = by_arm(assignments, jobs, window_days=60, as_of=as_of)

    assert arms["treated"] == ArmCounts(3, 2, 2, 1, Decimal("20.00"), 0.5)
    assert arms["held_out"] == ArmCounts(1, 0, 0, 0, Decimal(0), None)


def test_a_job_after_the_moment_of_asking_does_not_exist() -> None:
    jobs = {"c": [job("c", DUE + timedelta(days=5))]}

    assert returns([AssignmentRow("c", "held_out", DUE)], jobs, window_days=60, as_of=DUE + timedelta(days=4)) == []
