"""Connections as a developer's program has them: made, looked at, and what it asked for carried out."""

from typing import Any

from campaigns.operating import connection_jobs
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tenants.journal.models import Task
from tests.calling import Call
from winback.tenancy import acting_for

PASSWORD = "s3cret-Pa55word"
SMTP = {
    "kind": "email",
    "provider": "smtp",
    "label": "Post",
    "credentials": {"password": PASSWORD},
    "settings": {"host": "127.0.0.1", "username": "oak", "port": 2525},
}
LOCAL = {"kind": "email", "provider": "local"}


def made(call: Call, wanted: dict[str, Any], **changes: Any) -> str:
    """The address of a new connection."""
    answer = call("POST", "", wanted | changes)
    assert answer.status_code == 201, answer.content
    return f"/{answer.json()['id']}"


def row_of(business: Tenant, label: str) -> Connection:
    with acting_for(business.pk):
        found: Connection = Connection.objects.for_tenant(business).select_related("tenant").get(label=label)
    return found


def carry_out(business: Tenant) -> None:
    with acting_for(business.pk):
        waiting = list(Task.objects.for_tenant(business).filter(state=Task.State.QUEUED).values_list("pk", flat=True))
    for task in waiting:
        connection_jobs.carry_out(tenant=business.pk, task=task)
