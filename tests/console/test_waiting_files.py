"""A file that waits for its columns: whose it is, in which letters, how long, and that it is let go of."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience import uploading
from campaigns.operating.attention import looked_at
from tenants.journal import tasks
from tenants.journal.models import Task
from tests.console.bringing import CONTACTS, Browse, address_of_cancel, bring, contact_of, say, text_of, waiting, work
from tests.console.conftest import Business
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_no_utf_8_is_shown_as_it_will_be_read(ours: Business, operator: Client) -> None:
    russian = "external_id,email,first_name\nC-5,wren@example.com,Анна\n".encode("cp1251")
    brought = bring(operator, russian)
    assert "The file is not UTF-8" in text_of(operator.get(brought.headers["Location"]))

    shown = say(operator, brought, encoding="cp1251")
    assert (shown.status_code, "Анна" in text_of(shown)) == (200, True)
    unreadable = say(operator, brought, encoding="utf-8")
    assert (unreadable.status_code, "is not UTF-8" in text_of(unreadable)) == (422, True)
    say(operator, brought)
    work(ours)

    assert contact_of(ours, "C-5").first_name == "Анна"


@pytest.mark.django_db(transaction=True)
def test_what_was_said_in_one_window_stands_whatever_is_looked_at_in_another(ours: Business, operator: Client) -> None:
    brought = bring(operator, b"external_id,email\nC-6,wren@example.com\n")
    (task,) = waiting(ours)
    say(operator, brought)

    with acting_for(ours.tenant.pk):
        uploading.look_again(task, "latin-1")
    done = work(ours)

    assert done.state == Task.State.DONE
    assert contact_of(ours, "C-6").email == "wren@example.com"


@pytest.mark.django_db(transaction=True)
def test_a_name_that_no_file_may_have_is_made_shorter(ours: Business, operator: Client) -> None:
    brought = bring(operator, b"external_id,email\nC-7,wren@example.com\n", name="\u9867" * 116 + ".csv")
    say(operator, brought)
    work(ours)

    assert contact_of(ours, "C-7").email == "wren@example.com"


def test_the_columns_are_said_once(ours: Business, operator: Client) -> None:
    brought = bring(operator, CONTACTS)
    say(operator, brought)

    again = operator.get(brought.headers["Location"], follow=True)

    assert "is said already" in text_of(again)


def test_who_may_not_import_says_nothing_of_columns(ours: Business, operator: Client, browse: Browse) -> None:
    brought = bring(operator, CONTACTS)

    assert browse(ours.people["analyst"]).get(brought.headers["Location"]).status_code == 403


def test_nobody_sees_the_file_of_another_business(theirs: Business, operator: Client, browse: Browse) -> None:
    brought = bring(operator, CONTACTS)

    assert browse(theirs.people["owner"]).get(brought.headers["Location"]).status_code == 404


@pytest.mark.parametrize(("age", "forgotten"), [(timedelta(hours=23), False), (timedelta(hours=25), True)])
def test_a_file_whose_columns_nobody_names_is_forgotten(
    age: timedelta, forgotten: bool, ours: Business, operator: Client
) -> None:
    bring(operator, CONTACTS)
    (task,) = waiting(ours)
    with acting_for(ours.tenant.pk):
        uploading.tidy(ours.tenant, now=task.created_at + age)
        task.refresh_from_db()

    assert (tasks.BROUGHT in task.arguments) == (not forgotten)
    assert task.state == (Task.State.CANCELLED if forgotten else Task.State.QUEUED)


def items_of(ours: Business, *, later: timedelta = timedelta()) -> dict[str, str]:
    """What Home lists, and where it leads."""
    with acting_for(ours.tenant.pk):
        return {item.title: item.url for item in looked_at(ours.tenant, now=timezone.now() + later)}


def test_home_lists_a_file_whose_columns_are_to_be_said_until_they_are(ours: Business, operator: Client) -> None:
    title = "Import of contacts from march.csv waits for you"
    assert title not in items_of(ours)
    brought = bring(operator, CONTACTS, name="march.csv")

    assert items_of(ours)[title] == brought.headers["Location"]
    assert title in text_of(operator.get("/console/"))
    assert title not in items_of(ours, later=timedelta(hours=25))  # forgotten by then
    say(operator, brought)
    assert title not in items_of(ours)


@pytest.mark.django_db(transaction=True)
def test_home_lists_a_file_that_no_worker_takes_up(ours: Business, operator: Client) -> None:
    title = "Import of contacts from march.csv has not begun"
    say(operator, bring(operator, CONTACTS, name="march.csv"))

    assert title not in items_of(ours, later=timedelta(minutes=9))
    assert title in items_of(ours, later=timedelta(minutes=11))
    work(ours)
    assert title not in items_of(ours, later=timedelta(minutes=11))


def test_a_cancelled_file_is_let_go_of_before_it_is_read(ours: Business, operator: Client) -> None:
    bring(operator, CONTACTS)
    (task,) = waiting(ours)

    operator.post(address_of_cancel(task))

    with acting_for(ours.tenant.pk):
        task.refresh_from_db()
    assert (task.state, task.arguments) == (Task.State.CANCELLED, {"kind": "contacts", "name": "customers.csv"})
