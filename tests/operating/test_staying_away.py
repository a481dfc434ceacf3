"""Whoever was erased stays away: no file, page or text brings a person back, and their links still stop messages."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from campaigns.audience.models import Contact, Job, Suppression
from campaigns.delivery import links
from campaigns.operating import erasing
from campaigns.planning.models import Message
from campaigns.tracking.forgetting import REPLIES_OF_ERASED
from campaigns.tracking.models import BookingRequest, Interaction
from campaigns.tracking.replying import receive_text
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import counts, rejects, run, written
from tests.operating import planting
from winback.providers.receiving import Report, ReportKind

NOW = factories.NOW


@pytest.fixture
def gone(tenant: Tenant, settings: Settings, tmp_path: Path) -> Contact:
    """The planted person, erased."""
    settings.WINBACK_HOME = tmp_path / "home"
    contact = planting.plant(tenant)
    erasing.erase(tenant, [contact], now=NOW, actor="user 1")
    contact.refresh_from_db()
    return contact


def active(tenant: Tenant) -> int:
    return int(Contact.objects.for_tenant(tenant).filter(state="active").count())


@pytest.mark.parametrize(
    "row",
    [
        f"{planting.NUMBER},new.address@example.com,",
        f",{planting.EMAIL.upper()},",
        f"a-new-number,{planting.EMAIL},",
        f"another,,{planting.PHONE}",
        ",,(312) 555-0199",
        f"third,{planting.SECOND_EMAIL},",
    ],
)
def test_a_file_that_names_them_is_refused_line_by_line(
    row: str, tenant: Tenant, gone: Contact, tmp_path: Path
) -> None:
    path = written(tmp_path, f"external_id,email,phone,first_name\n{row},{planting.MARK}\nc2,bo@example.com,,Bo\n")

    answer = run("contacts", tenant, path)

    assert counts(answer) == (1, 0, 0, 1)
    [refused] = rejects(answer)
    assert refused["reason"].startswith("contact_erased")
    assert (refused["email"], refused["first_name"]) == ("", "")
    assert planting.found_in_database() == []
    assert planting.found_in_files(tenant) == []


def test_somebody_else_at_an_erased_address_is_taken_and_not_written_to(
    tenant: Tenant, gone: Contact, tmp_path: Path
) -> None:
    bo = planting.contact_of(tenant, external_id="bo", email="bo@example.com")

    answer = run("contacts", tenant, written(tmp_path, f"external_id,email\nbo,{planting.EMAIL}\n"))

    assert counts(answer) == (0, 1, 0, 0)
    bo.refresh_from_db()
    assert Suppression.objects.for_tenant(tenant).filter(address_hmac=bo.email_hmac, lifted_at=None).exists()


def test_once_a_manager_has_lifted_it_the_address_may_be_a_customers_again(
    tenant: Tenant, gone: Contact, tmp_path: Path
) -> None:
    Suppression.objects.for_tenant(tenant).update(lifted_at=NOW)

    answer = run("contacts", tenant, written(tmp_path, f"external_id,email\nnew,{planting.EMAIL}\n"))

    assert counts(answer) == (1, 0, 0, 0)


def test_their_jobs_are_refused(tenant: Tenant, gone: Contact, tmp_path: Path) -> None:
    lines = f"external_id,contact_external_id,completed_at,amount\n{planting.JOB},{planting.NUMBER},2026-09-01,5\n"

    answer = run("jobs", tenant, written(tmp_path, lines))

    assert counts(answer) == (0, 0, 0, 1)
    assert rejects(answer)[0]["reason"].startswith("contact_erased")
    assert planting.found_in_files(tenant) == []
    assert Job.objects.for_tenant(tenant).get().amount_minor == 12_000


def test_their_text_is_counted_and_leaves_neither_words_nor_number(tenant: Tenant, gone: Contact) -> None:
    before = Suppression.objects.for_tenant(tenant).filter(lifted_at=None).count()
    for key, words in (("a", f"It is me, {planting.MARK}"), ("b", "START"), ("c", "STOP")):
        report = Report(ReportKind.REPLIED, key=key, address=planting.PHONE, text=words, occurred_at=NOW)
        assert receive_text(tenant, connection=None, report=report, now=NOW).new

    assert planting.found_in_database() == []
    conversation = Conversation.objects.for_tenant(tenant).get()
    assert (conversation.address, conversation.contact_id, conversation.waiting_since) == ("", None, None)
    assert not ThreadText.objects.for_tenant(tenant).filter(state="planned").exists()
    assert Suppression.objects.for_tenant(tenant).filter(lifted_at=None).count() == before
    assert active(tenant) == 0


def test_their_links_still_unsubscribe_and_lead_to_no_page_of_theirs(
    tenant: Tenant, gone: Contact, client: Client
) -> None:
    message = Message.objects.for_tenant(tenant).get(state="delivered")
    Suppression.objects.for_tenant(tenant).update(lifted_at=NOW)

    stop = links.unsubscribe_url(tenant.pk, message.pk).partition("/u/")[2]
    assert client.post(f"/u/{stop}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    book = links.booking_url(tenant.pk, message.pk).partition("/book/")[2]
    assert client.get(f"/book/{book}").status_code == 404
    posted = client.post(f"/book/{book}", {"name": planting.MARK, "email": planting.EMAIL, "service": "x"})

    assert posted.status_code == 404
    assert Suppression.objects.for_tenant(tenant).get(lifted_at=None).reason == "unsubscribed"
    assert BookingRequest.objects.for_tenant(tenant).get().name == ""
    assert planting.found_in_database() == []
    assert not Interaction.objects.for_tenant(tenant).filter(kind="booked").exists()


def test_a_reply_by_mail_that_is_applied_afterwards_keeps_no_words(tenant: Tenant, gone: Contact) -> None:
    message = Message.objects.for_tenant(tenant).get(state="delivered")
    Interaction.objects.create(
        tenant=tenant, kind="replied", contact=gone, message=message, dedupe_key="late", occurred_at=NOW,
        data={"text": planting.MARK},
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE matched (contact_id bigint, key text, kind text) ON COMMIT DROP")
        cursor.execute("INSERT INTO matched VALUES (%s, 'late', 'replied')", [gone.pk])
        cursor.execute(REPLIES_OF_ERASED, {"tenant": tenant.pk})

    assert planting.found_in_database() == []
