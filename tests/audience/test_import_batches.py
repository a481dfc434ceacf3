"""Files of several batches: killed and taken up again, imported by two at once, with rows that mean each other."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection

from campaigns.audience import duplicates, importing, rejecting, stats
from campaigns.audience.models import Consent, Contact, ContactStat, ContactTag, ImportBatch, Job
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories
from tests.audience.importing import counts, rejects, run, versions, written
from tests.faults import world
from winback.tenancy import acting_for, acting_for_all

ROWS = 57
CONTACTS = "external_id,email,phone,address,postal_code,first_name,tags,email_consent\n" + "".join(
    f"c{n},{'nonsense' if n % 11 == 5 else f'c{n // 2}@example.com'},,{n // 4} Oak Street,62701,Name{n},"
    f"{'vip' if n % 3 else ''},{'yes' if n % 2 else 'no'}\n"
    for n in range(ROWS)
)
JOBS = "external_id,contact_external_id,completed_at,amount,status\n" + "".join(
    f"j{n},c{n % 40},2026-{n % 9 + 1:02}-15,{'$' if n % 13 == 3 else ''}{n}.50,{'refunded' if n % 10 == 7 else ''}\n"
    for n in range(ROWS)
)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 10)


def what_there_is(tenant: Tenant) -> dict[str, Any]:
    """Everything that an import leaves behind, by names that are the same in another tenant."""
    who = "contact__external_id"
    with acting_for(tenant.pk):
        fields = [
            field.name
            for field in Contact._meta.concrete_fields
            if field.name not in {"id", "tenant", "household", "merged_into"}
        ]
        last = dict(Job.objects.for_tenant(tenant).values_list("id", "external_id"))
        return {
            "contacts": list(
                Contact.objects.for_tenant(tenant).order_by("external_id").values_list("household__key", *fields)
            ),
            "tags": list(ContactTag.objects.for_tenant(tenant).order_by(who, "name").values_list(who, "name")),
            "consents": list(
                Consent.objects.for_tenant(tenant).order_by(who, "channel").values_list(who, "state", "stated_at")
            ),
            "jobs": list(
                Job.objects.for_tenant(tenant)
                .order_by("external_id")
                .values_list("external_id", who, "completed_at", "amount_minor", "status")
            ),
            "stats": [
                (*row[:-1], last.get(row[-1]))
                for row in ContactStat.objects.for_tenant(tenant)
                .order_by(who)
                .values_list(
                    who, "first_job_at", "last_job_at", "job_count", "total_minor", "next_scan_at", "last_job_id"
                )
            ],
            "batches": list(
                ImportBatch.objects.for_tenant(tenant)
                .order_by("id")
                .values_list("kind", "state", "line", "rows", "created", "unchanged", "rejected", "rejects_size")
            ),
            "rejects": [
                (Path(settings.WINBACK_HOME) / batch.rejects_file).read_bytes()
                for batch in ImportBatch.objects.for_tenant(tenant).order_by("id")
            ],
        }


def make_tenant(slug: str) -> Tenant:
    with acting_for_all("test set-up"):
        return factories.make_tenant(slug)


POINTS = [
    ("campaigns.audience.import_batches:begin", "after", 1),
    ("campaigns.audience.import_batches:lock", "after", 1),
    ("campaigns.audience.import_batches:lock", "before", 3),
    ("campaigns.audience.rejecting:append", "before", 2),
    ("campaigns.audience.rejecting:append", "after", 2),
    ("campaigns.audience.import_batches:finish", "before", 1),
    ("campaigns.audience.import_batches:finish", "after", 1),
]


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_killed_and_run_again_is_as_if_it_had_never_been_killed(tmp_path: Path, home: Path) -> None:
    contacts, jobs = written(tmp_path, CONTACTS, "contacts.csv"), written(tmp_path, JOBS, "jobs.csv")
    quiet = make_tenant("quiet")
    run("contacts", quiet, contacts)
    run("jobs", quiet, jobs)
    expected = what_there_is(quiet)

    for number, (where, when, call) in enumerate(POINTS):
        tenant = make_tenant(f"killed{number}")
        for kind, path in (("contacts", contacts), ("jobs", jobs)):
            killed = subprocess.run(
                [
                    sys.executable, "-m", "tests.faults.dying_import", where, when, str(call), f"import_{kind}",
                    str(path),
                    "--tenant", tenant.slug, "--as-of", factories.NOW.isoformat(),
                ],
                cwd=world.ROOT,
                env={**os.environ, "DATABASE_URL": world.database_url(), "WINBACK_HOME": str(home)},
                capture_output=True,
                check=False,
            )  # fmt: skip
            assert killed.returncode == -signal.SIGKILL, killed.stderr[-2_000:]

            run(kind, tenant, path)

        assert what_there_is(tenant) == expected, (where, when, call)


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_are_one(tmp_path: Path) -> None:
    contacts, jobs = written(tmp_path, CONTACTS, "contacts.csv"), written(tmp_path, JOBS, "jobs.csv")
    alone, twice = make_tenant("alone"), make_tenant("twice")
    for kind, path in (("contacts", contacts), ("jobs", jobs)):
        run(kind, alone, path)

        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(_in_thread, [(kind, twice, path)] * 2))

        # Either the second joins the first, or it comes when that is done and finds nothing to do.
        assert {answer["rejected"] for answer in answers} == {run(kind, alone, path)["rejected"]}
        assert max(answer["created"] for answer in answers) > 0
    ours, theirs = what_there_is(twice), what_there_is(alone)
    assert {name: ours[name] for name in ("contacts", "tags", "consents", "jobs", "stats")} == {
        name: theirs[name] for name in ("contacts", "tags", "consents", "jobs", "stats")
    }
    assert ours["rejects"][0] == theirs["rejects"][0]


def _in_thread(work: tuple[str, Tenant, Path]) -> dict[str, Any]:
    try:
        return run(*work)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_different_files_at_once_lose_nothing(tmp_path: Path) -> None:
    tenant = make_tenant("both")
    header = "external_id,first_name,tags\n"
    files = [
        written(tmp_path, header + "".join(f"c{n},From{name},{name}\n" for n in range(45)), f"{name}.csv")
        for name in ("a", "b")
    ]

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(_in_thread, [("contacts", tenant, path) for path in files]))

    with acting_for(tenant.pk):
        assert sum(answer["created"] for answer in answers) == 45
        assert Contact.objects.for_tenant(tenant).count() == 45
        assert ContactTag.objects.for_tenant(tenant).count() == 90


def test_rows_that_mean_one_record_may_stand_in_different_batches(tenant: Tenant, tmp_path: Path) -> None:
    rows = [f"c{n},Name{n}\n" for n in range(25)]
    path = written(tmp_path, "external_id,first_name\n" + "".join([*rows, "c3,Later\n", *rows[5:12], "c3,,bad,row\n"]))

    first = run("contacts", tenant, path)
    before = versions("campaigns_contact")
    again = run("contacts", tenant, path)

    assert counts(first) == (25, 0, 8, 1)
    assert counts(again) == (0, 0, 33, 1)
    assert versions("campaigns_contact") == before
    assert Contact.objects.for_tenant(tenant).get(external_id="c3").first_name == "Later"


def test_a_job_that_comes_up_again_batches_later_is_its_last_row(tenant: Tenant, tmp_path: Path) -> None:
    factories.make_contact(tenant, external_id="c1")
    rows = [f"j{n},c1,2026-01-{n + 1:02},1\n" for n in range(25)]
    header = "external_id,contact_external_id,completed_at,amount\n"
    path = written(tmp_path, header + "".join([*rows, "j0,c1,2026-01-01,7\n"]))

    first, again = run("jobs", tenant, path), run("jobs", tenant, path)

    assert counts(first) == (25, 0, 1, 0)
    assert counts(again) == (0, 0, 26, 0)
    assert Job.objects.for_tenant(tenant).get(external_id="j0").amount_minor == 700


def test_the_batches_of_a_first_load_leave_the_sums_right(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, CONTACTS))

    run("jobs", tenant, written(tmp_path, JOBS))

    with connection.cursor() as cursor:
        assert stats.recompute_all(cursor, tenant.pk) == 0
    assert ContactStat.objects.for_tenant(tenant).filter(job_count__gt=0).exists()
    assert not ContactStat.objects.for_tenant(tenant).filter(job_count__gt=0, next_scan_at=None).exists()


def test_a_file_that_breaks_off_keeps_what_came_before_and_says_where(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, CONTACTS))
    content = JOBS.encode() + b"".join(b"k%d,c1,2026-01-01,1,\n" % n for n in range(9_000)) + b"k,c1,\xff,1,\n"
    path = written(tmp_path, content)
    monkeyed = pytest.MonkeyPatch()
    monkeyed.setattr(duplicates, "last_lines", lambda *_: {})  # so that the break comes between batches

    with pytest.raises(CommandError, match="not UTF-8"):
        run("jobs", tenant, path)
    monkeyed.undo()

    batch = ImportBatch.objects.for_tenant(tenant).get(kind="jobs")
    assert batch.state == ImportBatch.State.FAILED
    assert "UTF-8" in batch.error
    assert Job.objects.for_tenant(tenant).count() == batch.created > 0
    with connection.cursor() as cursor:
        assert stats.recompute_all(cursor, tenant.pk) == 0  # nothing waits for a resumption that may never come


def test_a_full_disk_undoes_its_batch_alone_and_the_next_run_goes_on(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, CONTACTS)
    real, calls = rejecting.append, []

    def full(*arguments: Any, **named: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            real(*arguments, **named)
            raise OSError(28, "No space left on device")
        return real(*arguments, **named)

    monkeypatch.setattr(rejecting, "append", full)
    with pytest.raises(CommandError, match="No space left"):
        run("contacts", tenant, path)
    kept = ImportBatch.objects.for_tenant(tenant).get()

    answer = run("contacts", tenant, path)

    assert (kept.state, kept.line) == (ImportBatch.State.FAILED, 20)
    assert counts(answer) == (ROWS - 5, 0, 0, 5)
    assert [row["line"] for row in rejects(answer)] == ["7", "18", "29", "40", "51"]
    assert ImportBatch.objects.for_tenant(tenant).get().state == ImportBatch.State.DONE
    assert Event.objects.for_tenant(tenant).filter(kind="audience.contacts_imported").count() == 1


def test_what_a_killed_import_left_undone_is_done_by_the_next_one(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, CONTACTS))
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")
    factories.make_job(contact, factories.NOW - timedelta(days=9))  # as a killed first load leaves it: not summed up
    killed = ImportBatch.objects.create(
        tenant=tenant, kind="jobs", file_name="old.csv", sha256="0", line=10,
        started_at=factories.NOW - timedelta(days=2),
    )  # fmt: skip

    run("jobs", tenant, written(tmp_path, "external_id,contact_external_id,completed_at\nj1,c2,2026-01-01\n"))

    killed.refresh_from_db()
    assert ContactStat.objects.for_tenant(tenant).get(contact=contact).job_count == 1
    assert killed.state == ImportBatch.State.FAILED


def test_many_people_at_one_reception_are_no_household(tenant: Tenant, tmp_path: Path) -> None:
    rows = "".join(f"c{n},info@example.com\n" for n in range(30))

    run("contacts", tenant, written(tmp_path, "external_id,email\n" + rows))

    assert Contact.objects.for_tenant(tenant).values("household").distinct().count() > 20
