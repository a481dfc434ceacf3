"""What the columns of a file are: guessed, said by hand, tried before anything is imported, and remembered."""

import io

import pytest
from django.test import Client
from openpyxl import Workbook

from campaigns.audience import columns, uploading
from campaigns.audience.contact_records import CONTACT_COLUMNS
from campaigns.audience.job_records import JOB_COLUMNS
from campaigns.audience.models import Consent, ImportBatch, Job
from tenants.journal.models import Task
from tests.console.bringing import CONTACTS, Browse, bring, contact_of, say, shown_for, text_of, waiting, work
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("home")
OTHERS = (
    b"Cust #;Name;Surname;E-Mail;Mobile;Joined;Opted in;Notes\n"
    b"A-1;Ana;Ruiz;ana@example.com;(312) 555-0142;13/02/2025;Y;likes tea\n"
    b"A-2;Bo;Lind;bo@example.com;(312) 555-0143;01/03/2025;N;\n"
)


def test_every_field_of_a_file_has_a_name() -> None:
    assert set(columns.LABELS["contacts"]) == CONTACT_COLUMNS
    assert set(columns.LABELS["jobs"]) == JOB_COLUMNS


def test_the_columns_are_shown_with_their_values_and_our_guess(operator: Client) -> None:
    brought = bring(operator, OTHERS)

    assert shown_for(operator, brought) == {
        "cust #": "external_id",
        "name": "first_name",
        "surname": "last_name",
        "e-mail": "email",
        "mobile": "phone",
        "joined": "acquired_on",
        "opted in": "",
        "notes": "",
    }
    page = operator.get(brought.headers["Location"])
    assert "ana@example.com · bo@example.com" in text_of(page)
    assert [field.label for field in page.context["form"].columns] == [
        "Cust #", "Name", "Surname", "E-Mail", "Mobile", "Joined", "Opted in", "Notes",
    ]  # fmt: skip


def test_what_no_name_tells_the_values_may(operator: Client) -> None:
    people = bring(operator, b"ID,Contact,Handy\nA-1,ana@example.com,+1 312 555 0142\n")
    visits = bring(operator, b"Order,Who,Ordered\nO-1,ana@example.com,2025-03-01 10:00\n", "jobs")

    assert shown_for(operator, people) == {"id": "external_id", "contact": "email", "handy": "phone"}
    assert shown_for(operator, visits) == {"order": "external_id", "who": "contact_email", "ordered": "completed_at"}


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        (b"Client Name;E-Mail\nAna Ruiz;ana@example.com\n", {"client name": "full_name"}),
        (b"ID;Name\nA-1;Ana Ruiz\n", {"name": "full_name"}),
        (b"Name;First Name;E-Mail\nRuiz;Ana;ana@example.com\n", {"name": "last_name", "first name": "first_name"}),
        (b"Name;First Name;E-Mail\nAna Ruiz;Ana;ana@example.com\n", {"name": "full_name", "first name": "first_name"}),
        (b'Customer,Phone\n"Ruiz, Ana",5035550142\nBo Li,\n', {"customer": columns.NAME_AND_NUMBER}),
        (b"Customer,Phone\nBo Li,5035550142\nBo Li,5035550143\n", {"customer": "full_name"}),
        (b"Customer,Client ID\nBo Li,A-1\n", {"customer": "full_name", "client id": "external_id"}),
        (b"Customer,Phone\nALCV01,5035550142\n", {"customer": "external_id"}),
        (b"Client,First,Last\nBo Li,Bo,Li\n", {"client": "external_id"}),
    ],
)
def test_a_column_of_full_names_is_known_by_its_heading(file: bytes, chosen: dict[str, str], operator: Client) -> None:
    shown = shown_for(operator, bring(operator, file))

    assert {name: shown[name] for name in chosen} == chosen


@pytest.mark.django_db(transaction=True)
def test_customers_who_have_a_name_and_no_number_are_found_by_it_in_their_jobs(
    ours: Business, operator: Client
) -> None:
    people = "Customer;Téléphone\nRuiz, Ana;(312) 555-0142\nMr & Mrs Núñez;(312) 555-0143\n".encode("cp1252")
    visits = "Invoice,Date,Customer,Total\n1,2025-03-01,Mr & Mrs Núñez,20.00\n".encode("utf-8-sig")

    say(operator, bring(operator, people))
    work(ours)
    say(operator, bring(operator, visits, "jobs", "visits.csv"))
    done = work(ours)
    again = shown_for(operator, bring(operator, people, name="march.csv"))

    ana, couple = contact_of(ours, "Ruiz, Ana"), contact_of(ours, "Mr & Mrs Núñez")
    assert (ana.first_name, ana.last_name) == ("Ana", "Ruiz")
    assert (couple.first_name, couple.last_name) == ("", "Mr & Mrs Núñez")
    assert (done.state, done.result["created"]) == (Task.State.DONE, 1)
    assert again == {"customer": columns.NAME_AND_NUMBER, "téléphone": "phone"}


@pytest.mark.django_db(transaction=True)
def test_a_file_with_other_columns_is_imported_as_it_was_said(ours: Business, operator: Client) -> None:
    say(operator, bring(operator, OTHERS), **{"opted in": "email_consent", "name": "-"})

    task = work(ours)

    ana = contact_of(ours, "A-1")
    assert (task.state, task.result["created"]) == (Task.State.DONE, 2)
    assert (ana.email, ana.phone_key, ana.first_name, ana.last_name) == ("ana@example.com", "+13125550142", "", "Ruiz")
    assert (str(ana.acquired_on), ana.attributes) == ("2025-02-13", {"notes": "likes tea"})
    with acting_for(ours.tenant.pk):
        said = Consent.objects.for_tenant(ours.tenant).filter(contact__external_id__in=["A-1", "A-2"])
        assert set(said.values_list("contact__external_id", "state")) == {("A-1", "given"), ("A-2", "withdrawn")}


@pytest.mark.django_db(transaction=True)
def test_the_import_says_where_each_field_came_from(ours: Business, operator: Client) -> None:
    say(operator, bring(operator, OTHERS))
    work(ours)
    with acting_for(ours.tenant.pk):
        batch = ImportBatch.objects.for_tenant(ours.tenant).get(file_name="customers.csv")

    page = text_of(operator.get(address(ImportBatch, "change", batch.pk)))

    assert "Customer number: Cust #; E-mail address: E-Mail; Phone number: Mobile; First name: Name" in page


@pytest.mark.django_db(transaction=True)
def test_what_was_said_is_chosen_for_the_next_file_with_the_same_columns(
    ours: Business, theirs: Business, operator: Client, browse: Browse
) -> None:
    say(operator, bring(operator, OTHERS), **{"name": "company", "notes": "tags"})
    work(ours)

    again = bring(operator, OTHERS.replace(b"A-1", b"A-7"), name="march.csv")
    other = bring(operator, OTHERS.replace(b"Notes", b"Remarks"))
    elsewhere = bring(browse(theirs.people["operator"]), OTHERS)

    assert shown_for(operator, again)["name"] == "company"
    assert "as you said it for customers.csv" in text_of(operator.get(again.headers["Location"]))
    assert shown_for(operator, other)["name"] == "first_name"
    assert shown_for(browse(theirs.people["operator"]), elsewhere)["name"] == "first_name"


@pytest.mark.django_db(transaction=True)
def test_what_was_said_last_is_what_is_remembered(ours: Business, operator: Client) -> None:
    for chosen in ("company", "first_name"):
        say(operator, bring(operator, CONTACTS), first_name=chosen)
        work(ours)

    assert shown_for(operator, bring(operator, CONTACTS))["first_name"] == "first_name"


def test_a_column_with_the_very_name_of_a_field_comes_before_one_like_it(operator: Client) -> None:
    brought = bring(operator, b"E-Mail,email,id\nold@example.com,new@example.com,A-1\n")

    assert shown_for(operator, brought) == {"e-mail": "", "email": "email", "id": "external_id"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mobile": "email"}, "“E-Mail” is E-mail address already: choose one of the two."),
        (
            {"cust #": "", "e-mail": "", "mobile": ""},
            "No column is “Customer number” or “E-mail address” or “Phone number” yet",
        ),
        ({"notes": "acquired_on", "joined": ""}, "“likes tea” is no date that can be read"),
        ({"notes": "country"}, "None of the first rows would be taken. Country: 'LIKES TEA' is no two-letter"),
        ({"mobile": "nonsense"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_told_at_its_column_and_nothing_is_lost(
    changes: dict[str, str], told: str, ours: Business, operator: Client
) -> None:
    brought = bring(operator, OTHERS.replace(b"N;\n", b"N;likes milk\n"))

    answer = say(operator, brought, **changes)

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert len(waiting(ours)) == 1
    assert say(operator, brought).status_code == 302


def test_rows_that_would_all_be_rejected_may_be_imported_all_the_same(ours: Business, operator: Client) -> None:
    strange = b"external_id,email,country\nC-1,ann@example.com,Nowhere\n"

    assert "Import it all the same" in text_of(say(operator, bring(operator, strange)))
    assert say(operator, bring(operator, strange), anyway="on").status_code == 302


@pytest.mark.parametrize(
    ("value", "order", "day"),
    [
        ("06/07/2025", "day", "2025-07-06"),
        ("06/07/2025", "month", "2025-06-07"),
        ("6.7.25", "day", "2025-07-06"),
        ("25/12/2025", "month", "2025-12-25"),
        ("12/25/2025 02:30 PM", "day", "2025-12-25"),
        ("2025/07/06", "day", "2025-07-06"),
        ("2025-07-06 14:30", "month", "2025-07-06"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_dates_are_read_as_they_are_written(value: str, order: str, day: str, ours: Business, operator: Client) -> None:
    say(operator, bring(operator, CONTACTS))
    work(ours)
    visits = f"Order ID,Customer ID,Date,Total\nO-1,C-9001,{value},120.00\n".encode()

    answer = say(operator, bring(operator, visits, "jobs", "visits.csv"), order=order)
    work(ours)

    assert answer.status_code == 302
    with acting_for(ours.tenant.pk):
        job = Job.objects.for_tenant(ours.tenant).get(external_id="O-1")
    assert str(job.completed_at.astimezone(ours.tenant.zone).date()) == day


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("lines", "minor", "service"), [("sum", 19500, "Bond, Balayage"), ("last", 17000, "Balayage")])
def test_the_lines_of_a_receipt_are_one_job_or_the_last_counts(
    lines: str, minor: int, service: str, ours: Business, operator: Client
) -> None:
    say(operator, bring(operator, CONTACTS))
    work(ours)
    receipts = (
        b"Receipt,Date,Description,Client,Amount\n"
        b"1019,06/13/2018,Bond,C-9001,25.0\n1019,06/13/2018,Balayage,C-9001,170.0\n"
    )
    brought = bring(operator, receipts, "jobs", "receipts.csv")
    assert "Several rows have the number 1019, they are" in text_of(operator.get(brought.headers["Location"]))

    say(operator, brought, lines=lines)
    work(ours)

    with acting_for(ours.tenant.pk):
        job = Job.objects.for_tenant(ours.tenant).get(external_id="1019")
    assert (job.amount_minor, job.service) == (minor, service)


@pytest.mark.django_db(transaction=True)
def test_jobs_of_nobody_who_is_known_say_so_before_they_are_imported(ours: Business, operator: Client) -> None:
    visits = b"Ref,Date,Client\n1,2018-06-13,C-9001\n2,2018-06-14,C-0\n"

    refused = say(operator, bring(operator, visits, "jobs", "visits.csv"), ref="external_id")
    say(operator, bring(operator, CONTACTS))
    work(ours)

    assert refused.status_code == 422
    assert "Customer number: there is no contact 'C-9001'; import the contacts first" in text_of(refused)
    assert say(operator, bring(operator, visits, "jobs", "visits.csv"), ref="external_id").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_that_numbers_repeat_is_asked_once_the_column_is_chosen(ours: Business, operator: Client) -> None:
    say(operator, bring(operator, CONTACTS))
    work(ours)
    brought = bring(operator, b"Ref,Date,Client\n1,2018-06-13,C-9001\n1,2018-06-14,C-9001\n", "jobs", "visits.csv")

    answer = say(operator, brought, ref="external_id")

    assert answer.status_code == 422
    assert "Some numbers stand in several rows" in text_of(answer)
    assert say(operator, brought, ref="external_id", lines="sum").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_workbook_is_mapped_and_says_how_far_it_has_come(ours: Business, operator: Client) -> None:
    book, packed = Workbook(), io.BytesIO()
    sheet = book.create_sheet("Clients", 0)
    for line in (["Client ID", "Mail"], ["X-1", "one@example.com"], ["X-2", "two@example.com"]):
        sheet.append(line)
    book.save(packed)

    say(operator, bring(operator, packed.getvalue(), name="clients.xlsx"))
    task = work(ours)

    assert (task.state, task.done, task.total) == (Task.State.DONE, 2, 2)
    assert contact_of(ours, "X-2").email == "two@example.com"


def test_the_page_keeps_the_columns_of_our_own_export_as_they_are(ours: Business, operator: Client) -> None:
    answer = say(operator, bring(operator, CONTACTS))

    with acting_for(ours.tenant.pk):
        task = Task.objects.for_tenant(ours.tenant).get(kind=uploading.TASK)
    assert answer.status_code == 302
    assert task.arguments["mapping"] == {}
    with acting_for(ours.tenant.pk):
        assert not ImportBatch.objects.for_tenant(ours.tenant).filter(mapping__has_key="header").exists()
