"""Somebody whose address or number is a part of another's: what is theirs is neither handed out nor erased with it."""

import csv
import json
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.models import Contact
from campaigns.operating import exporting
from campaigns.operating.explaining import NoSuchContact, find_contact
from campaigns.operating.exporting import rejects_folder
from campaigns.operating.joining import find_one
from campaigns.tracking.models import InboxItem
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.journal import tasks
from tests import factories
from tests.operating.planting import EMAIL, NUMBER, PHONE, erase

NOW = factories.NOW
ALIKE = f"jo.{EMAIL}"
pytestmark = pytest.mark.usefixtures("home")


def report(tenant: Tenant, body: Any, state: str) -> InboxItem:
    row = InboxItem.objects.for_tenant(tenant).order_by("pk")[0]
    made: InboxItem = InboxItem.objects.create(
        tenant=tenant, connection=row.connection, digest=f"{len(str(body))}-{state}", body=json.dumps(body).encode(),
        state=state, received_at=NOW,
    )  # fmt: skip
    return made


@pytest.mark.parametrize("state", ["waiting", "applied"])
@pytest.mark.parametrize("to", [ALIKE, f"{EMAIL}.au", f"{PHONE}7"])
def test_a_report_about_the_other_stays_as_it_came(tenant: Tenant, planted: Contact, to: str, state: str) -> None:
    body = {"event": "unsubscribed", "to": to}
    row = report(tenant, body, state)
    told = exporting.export(tenant, planted, now=NOW)

    erase(planted)

    row.refresh_from_db()
    assert json.loads(bytes(row.body))["to"] == to
    assert to not in json.dumps(told["reports"], default=str)


@pytest.mark.parametrize("around", [lambda entries: entries, lambda entries: {"events": entries, "id": 7}])
def test_of_a_report_about_many_only_their_entries_are_handed_out(
    tenant: Tenant, planted: Contact, around: Any
) -> None:
    theirs = {"to": EMAIL, "tags": [{"name": "winter"}]}
    report(tenant, around([theirs, {"to": ALIKE}, {"to": "other@example.com"}]), "applied")

    told = exporting.export(tenant, planted, now=NOW)["reports"][-1]["body"]

    assert told == around([theirs])


@pytest.mark.parametrize("named", [{"to": ALIKE}, {"contact": f"{NUMBER}7"}, {"content": f"a{NUMBER}b"}])
def test_what_is_still_to_be_done_for_the_other_is_done(
    tenant: Tenant, planted: Contact, named: dict[str, str]
) -> None:
    task = tasks.queue(tenant, "test_connection", "Test", now=NOW, arguments=named, created_by="user 1")
    told = exporting.export(tenant, planted, now=NOW)

    erase(planted)

    task.refresh_from_db()
    assert (task.arguments, task.state) == (named, "queued")
    assert task.pk not in {row["id"] for row in told["tasks"]}


@pytest.mark.parametrize("told", [EMAIL, f"hello\n{EMAIL}.", f"+{PHONE[1:]}", NUMBER.upper()])
def test_what_is_still_to_be_done_for_them_is_emptied(tenant: Tenant, planted: Contact, told: str) -> None:
    task = tasks.queue(tenant, "test_connection", "Test", now=NOW, arguments={"to": told}, created_by="user 1")
    assert task.pk in {row["id"] for row in exporting.export(tenant, planted, now=NOW)["tasks"]}

    erase(planted)

    task.refresh_from_db()
    assert task.arguments == {}


def test_a_rejected_row_of_the_other_stays(tenant: Tenant, planted: Contact) -> None:
    path = rejects_folder(tenant) / "alike.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["line", "reason", "external_id", "email"], ["2", "no", f"{NUMBER}7", ALIKE], ["3", "no", NUMBER, ""]]
        )

    erase(planted)

    with path.open(newline="") as file:
        assert [row[:1] for row in csv.reader(file)] == [["line"], ["2"]]


def test_whoever_was_merged_away_is_not_meant_by_an_address(tenant: Tenant) -> None:
    loser, winner = (
        factories.make_contact(tenant, external_id=name, email="ann@example.com") for name in ("first", "second")
    )
    Contact.objects.for_tenant(tenant).filter(pk=loser.pk).update(state="merged", merged_into=winner)

    assert find_contact(tenant, " ann@example.com ") == winner
    assert find_contact(tenant, "first") == loser


@pytest.mark.parametrize("find", [find_contact, find_one])
def test_a_zero_byte_names_nobody(tenant: Tenant, find: Any) -> None:
    with pytest.raises(NoSuchContact):
        find(tenant, "an\x00n@nowhere.example")


def test_the_api_says_that_a_zero_byte_names_nobody(tenant: Tenant, client: Client) -> None:
    key = create_key(tenant, name="test", now=NOW)[1]

    answer = client.get("/api/contacts/explain?contact=%00a", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["code"]) == (404, "contact_not_found")
