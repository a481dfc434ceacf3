"""A file that is brought to the console, as whoever brings it goes on: its columns said, and a worker at it."""

import html
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaigns.audience import jobs, uploading
from campaigns.audience.models import Contact, ImportBatch
from tenants.access.models import User
from tenants.journal.models import Task
from tests.console.conftest import Business
from tests.console.walking import address
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
    by_column = {str(field.label).lower(): field.html_name for field in form.columns}
    shown = {field.html_name: field.value() or "" for field in [*form.columns, *form.others]}
    return client.post(page, shown | {by_column.get(name, name): value for name, value in changes.items()})


def shown_for(client: Client, brought: Any) -> dict[str, str]:
    """What the page of the columns has chosen for each, by its name in lower case."""
    form = client.get(brought.headers["Location"]).context["form"]
    return {str(field.label).lower(): field.value() for field in form.columns}


def work(ours: Business) -> Task:
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).filter(kind=uploading.TASK).order_by("-pk")[:1].get()
    jobs.import_upload(tenant=ours.tenant.pk, task=task.pk)
    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    return task


def contact_of(ours: Business, external_id: str) -> Contact:
    with acting_for(ours.tenant.pk):
        return Contact.objects.for_tenant(ours.tenant).get(external_id=external_id)


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def address_of_cancel(task: Task) -> str:
    return f"/console/tenants/task/{task.pk}/cancel/"
