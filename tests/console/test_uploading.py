"""A file that is brought to the console is imported by a worker; what was brought is not kept."""

import html
import re

import pytest

from campaigns.audience import uploading
from campaigns.audience.models import Contact, ImportBatch, Job
from tenants.journal import tasks
from tenants.journal.models import Task
from tests.console.bringing import (
    ADD,
    CONTACTS,
    JOBS,
    Browse,
    bring,
    say,
    waiting,
    work,
)
from tests.console.conftest import Business
from tests.console.walking import address, audited_actions
from tests.factories import NOW
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("home")


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
