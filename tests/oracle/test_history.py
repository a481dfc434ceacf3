"""Reading the files as docs/import.md says."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.oracle.history import moment, money, read_history

PORTLAND = ZoneInfo("America/Los_Angeles")


def test_a_time_without_zone_is_local_and_a_date_alone_is_noon() -> None:
    assert moment("2026-09-30T08:00:00", PORTLAND) == datetime(2026, 9, 30, 15, 0, tzinfo=UTC)
    assert moment("2026-09-30 08:00:00+00:00", PORTLAND) == datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
    assert moment("2026-01-30", PORTLAND) == datetime(2026, 1, 30, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize("text", ["$12.00", "1,200.00", "12 USD", "1e3", "twelve", "1.2.3"])
def test_refuses_money_that_is_not_digits_with_a_point(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        money(text)


def test_reads_both_files_and_names_the_lines_it_refused(tmp_path: Path) -> None:
    contacts, jobs = tmp_path / "contacts.csv", tmp_path / "jobs.csv"
    contacts.write_text(
        "external_id,email,tags,email_consent\n"
        "1,Ana@Example.com,VIP; do-not-contact,yes\n"
        ",,lost,\n"
        "2,b@example.com,,maybe\n"
        "3,,,\n"
    )
    jobs.write_text(
        "external_id,contact_external_id,contact_email,completed_at,amount,status\n"
        "a,1,,2026-01-05,10.00,completed\n"
        "b,,ana@example.com,2026-01-06,-2.50,refunded\n"
        "c,2,,2026-01-06,9.00,completed\n"
        "d,3,,2026-01-06,$9,completed\n"
        "e,3,,06/13/2026,9,completed\n"
        "f,3,,2026-01-07,,\n"
        "a,1,,2026-01-08,11.00,completed\n"
    )

    history = read_history(contacts, jobs, zone="America/Los_Angeles")

    assert (history.rejected_contact_lines, history.rejected_job_lines) == ([3, 4], [4, 5, 6])
    assert history.contacts["1"].tags == {"vip", "do-not-contact"}
    assert {key: (row.contact, row.amount, row.status) for key, row in history.jobs.items()} == {
        "a": ("1", Decimal("11.00"), "completed"),
        "b": ("1", Decimal("-2.50"), "refunded"),
        "f": ("3", Decimal(0), "completed"),
    }
