"""import_jobs, sentence by sentence (contract.md §3)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from campaigns.audience.models import Contact, ContactStat, Job
from campaigns.audience.stats import DIRTY
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import counts, rejects, run, versions, written
from winback.tenancy import acting_for_all

HEADER = "external_id,contact_external_id,completed_at,amount,currency,service,status,items,location\n"


def jobs(tenant: Tenant, directory: Path, *rows: str, header: str = HEADER) -> dict[str, object]:
    return run("jobs", tenant, written(directory, header + "".join(f"{row}\n" for row in rows)))


@pytest.fixture
def ann(tenant: Tenant) -> Contact:
    return factories.make_contact(tenant, external_id="c1", email="ann@example.com")


def stat(contact: Contact) -> ContactStat:
    found: ContactStat = ContactStat.objects.for_tenant(contact.tenant_id).get(contact=contact)
    return found


def test_every_column_arrives_where_it_belongs(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    items = '"[{""name"": ""Filter"", ""quantity"": 1}]"'
    answer = run(
        "jobs",
        tenant,
        written(
            tmp_path, f"{HEADER.strip()},Van\nj1,c1,2026-03-01T10:30,129.50,usd,Tune-up,Completed,{items},North,7\n"
        ),
    )

    job = Job.objects.for_tenant(tenant).get()
    assert counts(answer) == (1, 0, 0, 0)
    assert job.completed_at == datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
    assert (job.amount_minor, job.currency, job.service, job.status) == (12_950, "USD", "Tune-up", "completed")
    assert (job.items, job.location, job.attributes) == ([{"name": "Filter", "quantity": 1}], "North", {"van": "7"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", "2026-03-01T18:00:00+00:00"),  # a date alone is noon
        ("20260301", "2026-03-01T18:00:00+00:00"),
        ("2026-03-01 10:30", "2026-03-01T16:30:00+00:00"),
        ("2026-03-01T10:30:15.5", "2026-03-01T16:30:15.500000+00:00"),
        ("2026-07-01T10:30", "2026-07-01T15:30:00+00:00"),  # summer time
        ("2026-03-01T10:30Z", "2026-03-01T10:30:00+00:00"),
        ("2026-03-01T10:30+09:00", "2026-03-01T01:30:00+00:00"),
        ("2026-03-08T02:30", "2026-03-08T08:30:00+00:00"),  # skipped by the clock change
        ("2026-11-01T01:30", "2026-11-01T06:30:00+00:00"),  # repeated by it: the first
    ],
)
def test_a_time_without_a_zone_is_the_tenants(
    tenant: Tenant, tmp_path: Path, ann: Contact, text: str, expected: str
) -> None:
    jobs(tenant, tmp_path, f"j1,c1,{text},1,,,,,")

    assert Job.objects.for_tenant(tenant).get().completed_at == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("129.00", "", 12_900), ("129", "", 12_900), ("-5.5", "", -550), ("", "", 0), ("0.00", "USD", 0),
        ("1500", "JPY", 1_500), ("1.234", "KWD", 1_234), ("10000000000000.00", "USD", 10**15),
    ],
)  # fmt: skip
def test_money_has_a_point(
    tenant: Tenant, tmp_path: Path, ann: Contact, amount: str, currency: str, minor: int
) -> None:
    jobs(tenant, tmp_path, f"j1,c1,2026-03-01,{amount},{currency},,,,")

    assert Job.objects.for_tenant(tenant).get().amount_minor == minor


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("bad,c1,2026-03-01,$129.00,,,,,", "amount:"),
        ('bad,c1,2026-03-01,"1,390.00",,,,,', "amount:"),
        ("bad,c1,2026-03-01,129.999,,,,,", "amount:"),
        ("bad,c1,2026-03-01,1e3,,,,,", "amount:"),
        ("bad,c1,2026-03-01,NaN,,,,,", "amount:"),
        ("bad,c1,2026-03-01,1.5,JPY,,,,", "amount:"),
        ("bad,c1,2026-03-01,10000000000000.01,,,,,", "amount:"),
        (f"bad,c1,2026-03-01,{'9' * 5_000},,,,,", "amount:"),
        ("bad,c1,2026-03-01,1,dollars,,,,", "currency:"),
        ("bad,c1,2026-02-30,1,,,,,", "completed_at:"),
        ("bad,c1,03/01/2026,1,,,,,", "completed_at:"),
        ("bad,c1,,1,,,,,", "completed_at:"),
        ("bad,c1,9999-12-31,1,,,,,", "completed_at:"),
        ("bad,c1,2036-01-01,1,,,,,", "five years ahead"),
        ("bad,c1,2026-03-01,1,,,done,,", "status: 'done'"),
        (",c1,2026-03-01,1,,,,,", "external_id:"),
        ("bad,,2026-03-01,1,,,,,", "needs contact_external_id"),
        ("bad,nobody,2026-03-01,1,,,,,", "contact_unknown: there is no contact 'nobody'"),
        ("bad,c1,2026-03-01,1,,,,{},", "items: must be a JSON list"),
        ("bad,c1,2026-03-01,1,,,,[1,", "items:"),
        ('bad,c1,2026-03-01,1,,,,"[""\\u0000""]",', "items:"),
        ('bad,c1,2026-03-01,1,,,,"[""\\ud800""]",', "items:"),
        ("bad,c1,2026-03-01,1,,,,[NaN],", "items:"),
        ("bad,c1,2026-03-01,1,,,,[1e999],", "items:"),
        (f"bad,c1,2026-03-01,1,,,,{'[' * 50_000},", "items:"),
        (f"bad,c1,2026-03-01,1,,,,[{'9' * 5_000}],", "items:"),
        ("bad,c1,2026-03-01,1,,,,,,,one too many", "more values"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_row_is_written_down_and_stops_nobody(
    tenant: Tenant, tmp_path: Path, ann: Contact, row: str, reason: str
) -> None:
    answer = jobs(tenant, tmp_path, "j1,c1,2026-03-01,1,,,,,", row, "j2,c1,2026-03-02,1,,,,,")

    assert counts(answer) == (2, 0, 0, 1)
    (rejected,) = rejects(answer)
    assert rejected["line"] == "3"
    assert reason in rejected["reason"]


def test_the_same_file_again_writes_nothing(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    rows = ["j1,c1,2026-03-01,129.00,,Tune-up,completed,,", "j2,c1,2026-10-20,0,,Tune-up,scheduled,[],"]
    jobs(tenant, tmp_path, *rows)
    before = versions("campaigns_job"), versions("campaigns_contactstat")

    again = jobs(tenant, tmp_path, *rows)

    assert counts(again) == (0, 0, 2, 0)
    assert (versions("campaigns_job"), versions("campaigns_contactstat")) == before


def test_last_job_count_and_total_are_right_and_the_scan_looks_again(
    tenant: Tenant, tmp_path: Path, ann: Contact
) -> None:
    ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)

    jobs(
        tenant,
        tmp_path,
        "j1,c1,2026-01-01,100.00,,Repair,completed,,",
        "j2,c1,2026-03-01,50.00,,Tune-up,completed,,",
        "j3,c1,2026-04-01,50.00,,Tune-up,refunded,,",
        "j4,c1,2026-05-01,50.00,,Tune-up,cancelled,,",
        "j5,c1,2026-10-20,50.00,,Visit,scheduled,,",
        "j6,c1,2026-02-01,999.00,EUR,Abroad,completed,,",
    )

    found = stat(ann)
    assert (found.job_count, found.total_minor, found.last_service) == (3, 15_000, "Tune-up")
    assert found.first_job_at == datetime(2026, 1, 1, 18, tzinfo=UTC)
    assert found.last_job_at == datetime(2026, 3, 1, 18, tzinfo=UTC)
    assert found.last_job_id == Job.objects.for_tenant(tenant).get(external_id="j2").pk
    assert found.scheduled_at == datetime(2026, 10, 20, 17, tzinfo=UTC)
    assert found.next_scan_at == DIRTY


def test_a_refund_and_a_cancelled_booking_bring_the_scan_back(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,completed,,", "j2,c1,2026-10-20,1,,,scheduled,,")
    ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)

    answer = jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,refunded,,", "j2,c1,2026-10-20,1,,,cancelled,,")

    found = stat(ann)
    assert counts(answer) == (0, 2, 0, 0)
    assert (found.job_count, found.last_job_at, found.scheduled_at) == (0, None, None)
    assert found.next_scan_at == DIRTY


def test_a_job_that_turns_out_to_be_anothers_counts_for_that_one(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    bob = factories.make_contact(tenant, external_id="c2")
    jobs(tenant, tmp_path, "j1,c1,2026-01-01,100.00,,,,,")
    ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)

    jobs(tenant, tmp_path, "j1,c2,2026-01-01,100.00,,,,,")

    assert (stat(ann).job_count, stat(bob).job_count) == (0, 1)
    assert stat(ann).next_scan_at == stat(bob).next_scan_at == DIRTY


def test_a_contact_is_found_by_its_email_address(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    answer = jobs(
        tenant, tmp_path, "j1,ANN@example.com,2026-01-01", "j2,nobody@example.com,2026-01-01",
        header="external_id,contact_email,completed_at\n",
    )  # fmt: skip

    assert counts(answer) == (1, 0, 0, 1)
    assert stat(ann).job_count == 1
    assert "nobody@example.com" in rejects(answer)[0]["reason"]


def test_jobs_of_a_merged_contact_go_to_the_one_that_took_it_in(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    winner = factories.make_contact(tenant, external_id="c2")
    Contact.objects.for_tenant(tenant).filter(pk=ann.pk).update(state="merged", merged_into=winner)

    jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert (stat(ann).job_count, stat(winner).job_count) == (0, 1)


def test_jobs_of_an_erased_contact_are_not_taken(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    Contact.objects.for_tenant(tenant).filter(pk=ann.pk).update(state="erased")

    answer = jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert counts(answer) == (0, 0, 0, 1)
    assert rejects(answer)[0]["reason"].startswith("contact_erased")
    assert not Job.objects.for_tenant(tenant).exists()


def test_of_rows_with_one_id_the_later_wins(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    answer = jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,", "j1,c1,2026-01-02,2,,,,,", "j1,c1,2026-01-03,bad,,,,,")

    assert counts(answer) == (1, 0, 1, 1)
    assert Job.objects.for_tenant(tenant).get().amount_minor == 200


def test_sums_beyond_any_column_are_cut_off_and_stop_nobody(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    now = factories.NOW
    Job.objects.bulk_create(
        Job(
            tenant=tenant, contact=ann, external_id=f"old{number}", completed_at=now, amount_minor=2**63 - 1,
            currency="USD", status="completed", created_at=now, updated_at=now,
        )
        for number in range(2)
    )  # fmt: skip

    jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert stat(ann).total_minor == 9 * 10**18


def test_another_tenants_contact_is_unknown(two_tenants: tuple[Tenant, Tenant], tmp_path: Path) -> None:
    ours, theirs = two_tenants
    stranger = factories.make_contact(theirs, external_id="c1", email="ann@example.com")

    answer = jobs(ours, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert counts(answer) == (0, 0, 0, 1)
    assert stat(stranger).job_count == 0


def test_a_file_without_its_columns_is_refused_with_a_sentence(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no column completed_at"):
        run("jobs", tenant, written(tmp_path, "external_id,contact_email,date\nj1,a@example.com,2026-01-01\n"))


def test_the_answer_is_one_json_object_with_the_contracts_keys(tenant: Tenant, tmp_path: Path, ann: Contact) -> None:
    answer = jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert set(answer) >= {"rows", "created", "updated", "unchanged", "rejected", "rejects_file", "seconds"}
    assert json.dumps(answer)


def test_the_tenant_fixture_is_no_precondition(db: None, tmp_path: Path) -> None:
    with acting_for_all("test"):
        tenant = factories.make_tenant()

    run("contacts", tenant, written(tmp_path, "external_id\nc1\n"))
    answer = jobs(tenant, tmp_path, "j1,c1,2026-01-01,1,,,,,")

    assert counts(answer) == (1, 0, 0, 0)
