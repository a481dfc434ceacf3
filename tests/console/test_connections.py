"""The pages of connections and sending domains: their order, a test, the records to add."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tenants.access.models import User
from tenants.activation import jobs
from tenants.connections.connecting import connect, in_order
from tenants.connections.models import Connection
from tenants.journal.models import Task
from tests.console.conftest import Business
from tests.console.walking import address
from tests.factories import NOW
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def deed(row: Any, name: str) -> str:
    return address(type(row), name, row.pk)


def test_the_order_is_changed_by_one_place(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])
    with acting_for(ours.tenant.pk):
        second = connect(ours.tenant, kind="email", provider="local", label="Second", priority=90, now=NOW, actor="a")
        last = connect(ours.tenant, kind="email", provider="local", label="Last", priority=90, now=NOW, actor="a")

    client.post(deed(last, "move_up"))

    with acting_for(ours.tenant.pk):
        keys = list(in_order(ours.tenant, "email").values_list("pk", flat=True))
    assert keys[-2:] == [last.pk, second.pk]


def test_a_test_goes_to_the_member_who_asks(ours: Business, browse: Browse, settings: Any, tmp_path: Any) -> None:
    settings.WINBACK_HOME = tmp_path
    connection: Connection = ours.rows["connection"]

    browse(ours.people["owner"]).post(deed(connection, "send_test"))
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind="test_connection")
    jobs.test_connection(tenant=ours.tenant.pk, task=task.pk)

    (mail,) = tmp_path.rglob("*.eml")
    assert ours.people["owner"].email in mail.read_text()
    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
        assert task.state == Task.State.DONE


@pytest.mark.parametrize("role", ["analyst", "operator"])
def test_who_may_not_manage_connections_sends_no_test(role: str, ours: Business, browse: Browse) -> None:
    assert browse(ours.people[role]).post(deed(ours.rows["connection"], "send_test")).status_code == 403


def test_a_sending_domain_shows_the_record_to_add(ours: Business, browse: Browse) -> None:
    row = ours.rows["sendingdomain"]

    page = browse(ours.people["owner"]).get(address(type(row), "change", row.pk)).content.decode()

    assert f"_dmarc.{row.domain}" in page
    assert 'data-copy="v=DMARC1; p=none;' in page


def test_a_message_that_is_brought_is_checked_and_not_kept(ours: Business, browse: Browse) -> None:
    row = ours.rows["sendingdomain"]
    raw = "From: somebody@elsewhere.example\n\nHello"

    browse(ours.people["owner"]).post(deed(row, "check_message"), {"message": raw})
    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind="check_message")
    jobs.check_message(tenant=ours.tenant.pk, task=task.pk)

    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    assert (task.state, task.arguments) == (Task.State.FAILED, {})
    assert "brand of this business" in task.error
