"""The bundled sample business is what its README says."""

import csv
import json
import random
import re
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from tests.data import REPOSITORY
from tests.oracle.attribution import first_in_window
from tests.oracle.dormancy import count, judge_all
from tests.oracle.history import History, moment, read_history
from tests.oracle.lift import difference

DEMO = REPOSITORY / "catalog" / "data" / "demo"
BUSINESS = json.loads((DEMO / "business.json").read_text())
AS_OF = moment(BUSINESS["as_of"], ZoneInfo(BUSINESS["timezone"]))


@pytest.fixture(scope="module")
def on_file() -> History:
    return read_history(DEMO / "contacts.csv", DEMO / "jobs.csv", zone=BUSINESS["timezone"])


@pytest.fixture(scope="module")
def ninety_days_on() -> History:
    return read_history(DEMO / "contacts.csv", DEMO / "jobs.csv", DEMO / "jobs_after.csv", zone=BUSINESS["timezone"])


def rows_of(name: str) -> list[dict[str, str]]:
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_generating_it_again_gives_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "catalog.data.demo.generate", tmp_path], check=True, cwd=REPOSITORY)

    for name in ("contacts.csv", "jobs.csv", "jobs_after.csv"):
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes(), name


def test_it_holds_what_the_readme_counts(on_file: History) -> None:
    assert (on_file.contact_rows, len(on_file.contacts), on_file.job_rows) == (2_647, 2_640, 6_438)
    assert Counter(job.status for job in on_file.jobs.values()) == {
        "completed": 5_946,
        "refunded": 86,
        "cancelled": 238,
        "scheduled": 161,
    }
    assert on_file.rejected_contact_lines == [1702, 1703, 1704, 1705]
    assert on_file.rejected_job_lines == list(range(4002, 4009))
    assert len(rows_of("jobs_after.csv")) == 493


def test_dormant_customers_are_as_many_as_the_readme_says(on_file: History) -> None:
    counts = count(judge_all(on_file, as_of=AS_OF))

    assert counts.by_cohort == {6: 254, 9: 263, 12: 573}
    assert counts.silent_beyond_giving_up == 422
    assert counts.opened + sum(counts.excluded.values()) == counts.contacts


def test_nothing_on_file_is_from_the_future_but_bookings(on_file: History, ninety_days_on: History) -> None:
    done = [job for job in on_file.jobs.values() if job.status in ("completed", "refunded")]
    ahead = [job for job in on_file.jobs.values() if job.status == "scheduled" and job.at > AS_OF]

    assert max(job.at for job in done) <= AS_OF
    assert AS_OF - min(job.at for job in done) > timedelta(days=3 * 365 - 7)
    assert len(ahead) > 100
    assert {ninety_days_on.jobs[job.external_id].status for job in ahead} == {"completed", "cancelled", "refunded"}
    assert min(moment(row["completed_at"], on_file.zone) for row in rows_of("jobs_after.csv")) > AS_OF


def test_its_addresses_reach_nobody(on_file: History) -> None:
    numbers = [phonenumbers.parse(contact.phone, "US") for contact in on_file.contacts.values() if contact.phone]
    domains = {contact.email.partition("@")[2] for contact in on_file.contacts.values() if contact.email}

    assert all(phonenumbers.is_valid_number(number) for number in numbers)
    assert {str(number.national_number)[3:6] for number in numbers} == {"555"}
    assert all(re.fullmatch(r"[a-z]+\.example\.(com|net|org)", domain) for domain in domains)


def test_consent_comes_with_its_evidence() -> None:
    for row in rows_of("contacts.csv"):
        if row["email_consent"] == "yes":
            assert all(row[column] for column in ("email", "email_consent_at", "email_consent_source"))
        if row["sms_consent"] == "yes":
            evidence = ("phone", "sms_consent_at", "sms_consent_source", "sms_consent_text")
            assert all(row[column] for column in evidence)


def test_what_came_after_favours_no_arm(on_file: History, ninety_days_on: History) -> None:
    dormant = [key for key, verdict in judge_all(on_file, as_of=AS_OF).items() if verdict.opened]
    jobs = ninety_days_on.jobs_by_contact()
    later = AS_OF + timedelta(days=90)
    returned = [first_in_window(jobs[key], start=AS_OF, window_days=60, as_of=later) is not None for key in dormant]
    shuffle = random.Random(1)
    held_out = len(returned) // 5
    holds_zero = 0
    for _ in range(400):
        shuffle.shuffle(returned)
        out, treated = returned[:held_out], returned[held_out:]
        lift = difference(sum(treated), len(treated), sum(out), len(out))
        holds_zero += lift.low <= 0 <= lift.high

    # 95 % of intervals should hold the truth, which is 0; four standard errors of 400 draws are 4.4 points.
    assert sum(returned) / len(returned) == pytest.approx(0.118, abs=0.001)
    assert 0.906 <= holds_zero / 400 <= 0.994
