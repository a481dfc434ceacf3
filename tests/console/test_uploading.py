"""A file that is brought to the console is imported by a worker; what was brought is not kept."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.audience import jobs, uploading
from campaigns.audience.models import Contact, ImportBatch, Job
from tenants.access.models import User
from tenants.journal import tasks
from tenants.journal.models import Task
from tests.console.conftest import Business
from tests.console.walking import address, audited_actions
from tests.factories import NOW
from winback.tenancy import acting_for

Browse = Callable[[User], Client]
ADD = address(ImportBatch, "add")
CONTACTS = b"external_id,first_name,email\nC-9001,Wren,wren@example.com\nC-9002,Bad,not an address\n"
JOBS = b"external_id,contact_external_id,completed_at,amount,status\nJ-1,C-9001,2025-10-01,120.00,completed\n"


def bring(client: Client, content: bytes, kind: str = "contacts", name: str = "customers.csv") -> Any:
    return client.post(ADD, {"kind": kind, "file": SimpleUploadedFile(name, content)})


def waiting(ours: Business) -> list[Task]:
    """The files that wait for somebody to name their columns; without the one that every business is furnished with."""
    with acting_for(ours.tenant.pk):
        rows = Task.objects.for_tenant(ours.tenant).filter(kind=uploading.WAITS).exclude(pk=ours.rows["task"].pk)
        return list(rows.order_by("pk"))


def say(client: Client, brought: Any, **changes: str) -> Any:
    """Send the page of the columns as it is shown, but for these changes: field by column, or by the field's name."""
    page = brought.headers["Location"]
    form = client.get(page).context["form"]
    by_column = {field.label: field.html_name for field in form.columns}
    shown = {field.html_name: field.value() or "" for field in [*form.columns, *form.others]}
    return client.post(page, shown | {by_column.get(name, name): value for name, value in changes.items()})


def shown_for(client: Client, brought: Any) -> dict[str, str]:
    """What the page of the columns has chosen for each."""
    return {field.label: field.value() for field in client.get(brought.headers["Location"]).context["form"].columns}


def work(ours: Business) -> Task:
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).filter(kind=uploading.TASK).order_by("-pk")[:1].get()
    jobs.import_upload(tenant=ours.tenant.pk, task=task.pk)
    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    return task


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Any) -> None:
    settings.WINBACK_HOME = tmp_path


@pytest.mark.django_db(transaction=True)
def test_contacts_and_then_their_jobs_are_brought(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["operator"])

    answer = say(client, bring(client, CONTACTS))
    brought = work(ours)
    say(client, bring(client, JOBS, "jobs", "visits.csv"))
    work(ours)

    assert answer.headers["Location"] == address(Task, "change", brought.pk)
    assert (brought.state, brought.result["created"]) == (Task.State.DONE, 1)
    assert brought.arguments == {"kind": "contacts", "name": "customers.csv"}
    assert "import.brought" in audited_actions(ours)
    with acting_for(ours.tenant.pk):
        contact = Contact.objects.for_tenant(ours.tenant).get(external_id="C-9001")
        assert Job.objects.for_tenant(ours.tenant).filter(contact=contact).count() == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\n", "has no header row"),
        (b"external_id,email\n", "has no rows under its headings"),
        (b"email,Email\na@example.com,b@example.com\n", "has the column email twice"),
        (b"<html><body>Sign in</body></html>", "is not a CSV file"),
        (b"PK\x03\x04nothing", "is not a workbook that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_at_once(content: bytes, told: str, ours: Business, browse: Browse) -> None:
    answer = bring(browse(ours.people["operator"]), content)

    assert answer.status_code == 422
    assert told in html.unescape(answer.content.decode())
    assert not waiting(ours)


def test_what_was_brought_waits_with_its_task_and_is_not_shown_there(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["operator"])
    bring(client, CONTACTS)
    (task,) = waiting(ours)

    page = client.get(address(Task, "change", task.pk)).content.decode()

    assert "customers.csv" in page
    assert task.arguments["content"]["file"] not in page
    assert "wren@example.com" not in page
    assert address(Task, "columns", task.pk) in page
    assert "data-reload-seconds" not in page


@pytest.mark.parametrize(
    ("name", "size", "told"), [("list.pdf", 10, "CSV or XLSX"), ("list.csv", uploading.LARGEST + 1, "20 MB")]
)
def test_what_cannot_be_taken_is_refused_with_what_to_do(
    name: str, size: int, told: str, ours: Business, browse: Browse
) -> None:
    answer = bring(browse(ours.people["operator"]), b"x" * size, name=name)

    assert answer.status_code == 422
    assert told in answer.content.decode()


def test_the_form_sends_its_file(ours: Business, browse: Browse) -> None:
    assert 'enctype="multipart/form-data"' in browse(ours.people["operator"]).get(ADD).content.decode()


def test_an_analyst_brings_nothing(ours: Business, browse: Browse) -> None:
    assert bring(browse(ours.people["analyst"]), CONTACTS).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_its_page_shows_how_far_it_has_come_and_then_what_came_of_it(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["operator"])
    page = say(client, bring(client, CONTACTS)).headers["Location"]
    assert "data-reload-seconds" in client.get(page).content.decode()
    assert "Import a file</a>" in client.get(address(ImportBatch, "changelist")).content.decode()

    brought = work(ours)

    told = client.get(page).content.decode()
    assert (brought.done, brought.total) == (2, 2)
    assert "data-reload-seconds" not in told
    assert f'<a href="{address(ImportBatch, "changelist")}">see what it brought</a>' in told
    figures = re.findall(r"<dt>([^<]*)</dt>", told)
    assert [each for each in figures if each in uploading.FIGURES.values()] == list(uploading.FIGURES.values())
    assert ours.people["operator"].email in told
    assert "Not taken: 1. The import says why" in told


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_import_stops_and_keeps_what_it_had(
    ours: Business, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browse(ours.people["operator"])
    say(client, bring(client, CONTACTS))
    monkeypatch.setattr("campaigns.audience.importing.BATCH_ROWS", 1)
    advance = tasks.advance

    def after_a_cancel(task: Task, done: int) -> bool:
        tasks.cancel(task, now=NOW)
        return advance(task, done)

    monkeypatch.setattr(tasks, "advance", after_a_cancel)
    task = work(ours)

    assert task.state == Task.State.CANCELLED
    assert "content" not in task.arguments
    with acting_for(ours.tenant.pk):
        assert Contact.objects.for_tenant(ours.tenant).filter(external_id="C-9001").exists()
