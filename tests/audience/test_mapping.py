"""Files with other columns, read through a mapping (docs/import.md)."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from campaigns.audience.mapping import InvalidMapping, read_mapping
from campaigns.audience.models import Contact, ContactStat, Job
from campaigns.audience.reading import Table
from tenants.accounts.models import Tenant
from tests.audience.importing import counts, rejects, run, versions, written
from tests.data import REPOSITORY, needs_shared_data, shared_data_file


def mapping(directory: Path, content: Any) -> Path:
    return written(directory, json.dumps(content), "mapping.json")


SALON = REPOSITORY / "benchmarks" / "data" / "salon_mapping.json"
RECEIPTS = """Receipt,Date,Description,Client,Staff,Quantity,Amount,GST,PST
1019,06/12/2018,Smart Bond,ALCV01,KELLY,1,25.0,1.25,2.0
1019,06/12/2018,Balayage,ALCV01,KELLY,1,170.0,8.5,13.6
1297,06/29/2018,Men's hair cut,OHAG01,JJ,1,60.0,3.0,4.8
1297,06/29/2018,Children (under 12),OHA*01,BECKY,1,30.0,1.5,2.4
1300,06/30/2018,Cut,WALK_IN,JJ,1,60.0,3.0,4.8
1301,06/30/2018,Cut,,JJ,1,60.0,3.0,4.8
1302,06/30/2018,Cut,NOSH01,JJ,1,sixty,3.0,4.8
1302,06/30/2018,Colour,NOSH01,JJ,1,60.0,3.0,4.8
"""


def test_the_documented_salon(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, RECEIPTS)

    contacts = run("contacts", tenant, path, mapping=SALON)
    jobs = run("jobs", tenant, path, mapping=SALON)
    before = versions("campaigns_job")
    again = run("jobs", tenant, path, mapping=SALON)

    assert counts(contacts) == (4, 0, 0, 0)
    assert counts(jobs) == (3, 0, 0, 1)
    assert contacts["skipped"] == jobs["skipped"] == 2
    assert set(
        Job.objects.for_tenant(tenant).values_list("external_id", "amount_minor", "service", "contact__external_id")
    ) == {
        ("1019/ALCV01", 19_500, "Smart Bond, Balayage", "ALCV01"),
        ("1297/OHAG01", 6_000, "Men's hair cut", "OHAG01"),
        ("1297/OHA*01", 3_000, "Children (under 12)", "OHA*01"),
    }
    # Both rows of the receipt that cannot be read, as the file has them.
    assert [(row["line"], row["Amount"], row["Client"]) for row in rejects(jobs)] == [
        ("8", "sixty", "NOSH01"),
        ("9", "60.0", "NOSH01"),
    ]
    assert counts(again) == (0, 0, 3, 1)
    assert versions("campaigns_job") == before


@needs_shared_data
def test_the_real_salon(tenant: Tenant) -> None:
    path = shared_data_file("salon_receipts.csv.gz")

    contacts = run("contacts", tenant, path, mapping=SALON)
    jobs = run("jobs", tenant, path, mapping=SALON)

    assert counts(contacts) == (766, 0, 0, 0)
    assert counts(jobs) == (1_437, 0, 0, 0)
    assert contacts["skipped"] == jobs["skipped"] == 37
    assert ContactStat.objects.for_tenant(tenant).filter(job_count=0).count() == 0


def test_the_documented_customer_list(tenant: Tenant, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "Cust #;Name;Surname;Mobile;Opted in;Opt-in date;Since;Shoe\n"
        "1001;Ana;Ruiz;(503) 555-0142;Y;04/02/2025;2019;38\n1002;Bo;Li;;?;;;\n",
    )
    columns = {
        "external_id": "Cust #",
        "first_name": "Name",
        "last_name": "Surname",
        "phone": "Mobile",
        "country": {"constant": "US"},
        "email_consent": {"column": "Opted in", "values": {"Y": "yes", "N": "no"}},
        "email_consent_at": {"column": "Opt-in date", "format": "%m/%d/%Y"},
        "email_consent_source": {"constant": "customer list of the old booking system"},
        "acquired_on": {"column": "Since", "format": "%Y"},
    }

    answer = run("contacts", tenant, path, mapping=mapping(tmp_path, {"contacts": {"columns": columns}}))

    ana = Contact.objects.for_tenant(tenant).get()
    assert (ana.external_id, ana.phone, ana.acquired_on, ana.attributes) == (
        "1001", "+15035550142", date(2019, 1, 1), {"shoe": "38"},
    )  # fmt: skip
    assert ana.consents.get().stated_at == datetime(2025, 4, 2, 17, tzinfo=UTC)
    assert counts(answer) == (1, 0, 0, 1)
    assert rejects(answer)[0]["reason"] == "Consent to e-mail (“Opted in”): the word '?' is not in the mapping"
    assert rejects(answer)[0]["Cust #"] == "1002"


def read(columns: dict[str, Any], rows: str, **more: Any) -> list[dict[str, str]]:
    """What a mapping makes of rows."""
    header, *lines = [line.split(",") for line in rows.strip().splitlines()]
    table = Table(header, iter([(n, dict(zip(header, line, strict=False))) for n, line in enumerate(lines, 2)]))
    return [row for _, row, _ in read_mapping({"columns": columns, **more}, "jobs").apply(table, [])]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("b", "1"),
        ({"column": "b", "combine": "last"}, "3"),
        ({"column": "b", "combine": "min"}, "0.25"),
        ({"column": "b", "combine": "max"}, "10"),
        ({"column": "b", "combine": "sum"}, "14.25"),
        ({"column": "b", "combine": "count"}, "4"),
        ({"column": "b", "combine": "join"}, "1, 10, 0.25, 3"),
        ({"columns": ["a", "b"], "join": "/"}, "x/1"),
        ({"column": "c", "default": "none"}, "none"),
        ({"column": "d", "format": "%d.%m.%Y", "combine": "max"}, "2026-02-01"),
        ({"column": "d", "format": "%d.%m.%Y", "combine": "min"}, "2025-03-01"),
        ({"column": "a", "values": {"X": "completed", "*": "cancelled"}}, "completed"),
        ({"column": "d", "values": {"*": "cancelled"}}, "cancelled"),
    ],
)
def test_how_rows_of_a_group_become_one_value(form: Any, expected: str) -> None:
    rows = "a,b,c,d\nx,1,,01.02.2026\nx,10,,01.03.2025\nx,0.25,,02.12.2025\nx,3,,\n"

    (found,) = read({"service": form}, rows, group_by=["a"], ignore=["*"])

    assert found == {"service": expected}


def test_the_rows_of_a_group_need_not_stand_together_and_share_only_equal_attributes() -> None:
    found = read({"external_id": "a"}, "a,b,c\nx,1,s\ny,1,s\nx,2,s\n", group_by=["a"])

    assert found == [{"external_id": "x", "c": "s"}, {"external_id": "y", "b": "1", "c": "s"}]


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ({"column": "A", "equals": " WALK_in "}, ["cash", "", "x"]),
        ({"column": "a", "in": ["walk_in", "CASH"]}, ["", "x"]),
        ({"column": "a", "empty": True}, ["walk_in", "cash", "x"]),
        ({"column": "a", "matches": "(walk|ca).*"}, ["", "x"]),
        ({"column": "a", "matches": "a"}, ["walk_in", "cash", "", "x"]),
    ],
)
def test_rows_that_are_no_business_are_left_out(condition: Any, left: list[str]) -> None:
    found = read({"external_id": "a"}, "a,b\nwalk_in,1\ncash,1\n,1\nx,1\n", skip_rows=[condition])

    assert [row["external_id"] for row in found] == left


def test_a_broken_row_stays_broken_whatever_the_mapping_ignores(tenant: Tenant, tmp_path: Path) -> None:
    content = {"columns": {"external_id": "id"}, "ignore": ["*"], "group_by": ["id"]}

    answer = run("contacts", tenant, written(tmp_path, "id,a\n1,2,3\n2,x\n2,y,z\n"), mapping=mapping(tmp_path, content))

    assert counts(answer) == (1, 0, 0, 2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "no \"columns\""),
        ({}, "no \"columns\""),
        ({"columns": []}, "no \"columns\""),
        ({"columns": {}, "colums": {}}, "unknown key colums"),
        ({"columns": {"amount": {"column": "a", "combine": "average"}}}, "columns.amount.combine"),
        ({"columns": {"amount": {"values": {}}}}, "columns.amount: say column"),
        ({"columns": {"amount": 5}}, "columns.amount: give"),
        ({"columns": {}, "skip_rows": [{"equals": "x"}]}, "names a column"),
        ({"columns": {}, "skip_rows": ["x"]}, "names a column"),
        ({"columns": {}, "skip_rows": [{"column": "x", "like": "y"}]}, "give a condition one of"),
        ({"columns": {}, "skip_rows": [{"column": "x", "matches": "("}]}, "no regular expression"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_says_where(content: Any, words: str) -> None:
    with pytest.raises(InvalidMapping) as error:
        read_mapping(content, "jobs")

    assert words in str(error.value)


@pytest.mark.parametrize("content", ["{", '{"columns": {"amount": 5}}'])
def test_a_bad_mapping_is_wrong_usage(tenant: Tenant, tmp_path: Path, content: str) -> None:
    with pytest.raises(CommandError) as error:
        run("contacts", tenant, written(tmp_path, "email\n"), mapping=written(tmp_path, content, "mapping.json"))

    assert error.value.returncode == 2


def test_a_column_that_the_file_does_not_have_is_named(tenant: Tenant, tmp_path: Path) -> None:
    content = {"columns": {"external_id": "Cust #"}}

    with pytest.raises(CommandError, match="'cust #', which the file does not have"):
        run("contacts", tenant, written(tmp_path, "Customer,Name\n1,Ann\n"), mapping=mapping(tmp_path, content))
