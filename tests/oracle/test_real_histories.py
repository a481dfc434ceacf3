"""The scripts that prepare real histories, and what the oracle finds in them."""

import csv
import json
from pathlib import Path

import pytest

from benchmarks.data import online_retail, order_log
from tests.data import REPOSITORY, needs_shared_data, shared_data_file
from tests.oracle.dormancy import count, judge_all
from tests.oracle.history import History, moment, read_history

pytestmark = needs_shared_data


@pytest.fixture(scope="module")
def online_retail_history(tmp_path_factory: pytest.TempPathFactory) -> History:
    out = tmp_path_factory.mktemp("online_retail")
    online_retail.convert(shared_data_file(online_retail.SOURCE).parent, out)
    return read_history(out / "contacts.csv", out / "jobs.csv", zone="Europe/London")


def test_online_retail_keeps_every_order_and_customer(online_retail_history: History) -> None:
    history = online_retail_history
    buyers = {job.contact for job in history.jobs.values() if job.counts}

    # 36,969 completed of 5,878 customers and 7,897 refunds, as the README of the data says; 61 have refunds only.
    assert sum(job.counts for job in history.jobs.values()) == 36_969
    assert sum(job.status == "refunded" and job.amount < 0 for job in history.jobs.values()) == 7_897
    assert (len(buyers), len(history.contacts)) == (5_878, 5_878 + 61)
    assert (history.rejected_contact_lines, history.rejected_job_lines) == ([], [])


def test_every_online_retail_customer_is_judged_once(online_retail_history: History) -> None:
    as_of = moment("2011-12-09", online_retail_history.zone)

    counts = count(judge_all(online_retail_history, as_of=as_of))

    # One customer's only order came at 12:16 of that day: as of noon it does not exist, so 62 have no job.
    assert counts.by_cohort == {6: 482, 9: 296, 12: 1565}
    assert counts.excluded == {"not_lapsed_yet": 3485, "no_job": 62, "given_up": 49}
    assert counts.opened + sum(counts.excluded.values()) == counts.contacts == 5_939


@pytest.mark.parametrize(
    ("which", "zone", "as_of", "contacts", "jobs", "free"),
    [
        ("cdnow", "America/New_York", "1998-06-30", 2_357, 6_919, 8),
        ("essec", "Europe/Paris", "2015-12-31", 9_198, 25_728, 0),
    ],
)
def test_order_logs_keep_every_purchase(
    tmp_path: Path, which: str, zone: str, as_of: str, contacts: int, jobs: int, free: int
) -> None:
    order_log.convert(which, shared_data_file(order_log.SOURCES[which][0]).parent, tmp_path)

    history = read_history(tmp_path / "contacts.csv", tmp_path / "jobs.csv", zone=zone)
    counts = count(judge_all(history, as_of=moment(as_of, history.zone)))

    assert (len(history.contacts), len(history.jobs)) == (contacts, jobs)
    assert sum(job.amount == 0 for job in history.jobs.values()) == free
    assert counts.opened + sum(counts.excluded.values()) == contacts
    assert "no_job" not in counts.excluded


def test_the_salon_mapping_is_the_one_that_the_documentation_shows() -> None:
    mapping = (REPOSITORY / "benchmarks" / "data" / "salon_mapping.json").read_text()

    assert json.loads(mapping).keys() == {"contacts", "jobs"}
    assert mapping in (REPOSITORY / "docs" / "import.md").read_text()


def test_the_same_orders_give_the_same_bytes(tmp_path: Path) -> None:
    source = shared_data_file(online_retail.SOURCE).parent

    online_retail.convert(source, tmp_path / "once")
    online_retail.convert(source, tmp_path / "twice")

    for name in ("contacts.csv", "jobs.csv"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()
    with (tmp_path / "once" / "contacts.csv").open(newline="") as file:
        assert {row["email_consent"] for row in csv.DictReader(file)} == {"yes"}
