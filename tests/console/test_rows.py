"""The pages of contacts, messages and imports: what they tell, and what they never let run."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from campaigns.audience.models import Contact
from campaigns.planning.models import Message
from tenants.access.models import User
from tenants.connections.connecting import outbox_directory
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address, deed
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


def test_a_contacts_page_tells_what_happened_and_why_it_is_or_is_not_written_to(ours: Business, browse: Browse) -> None:
    page = browse(ours.people["analyst"]).get(address(Contact, "change", ours.rows["contact"].pk)).content.decode()

    for said in ("Came back", "Went quiet", "oakmark visit: completed", "oakmark subject", "Yes, text me.", "E-mail"):
        assert said in page, said


def test_the_timeline_goes_on_where_it_stopped(ours: Business, browse: Browse) -> None:
    contact = ours.rows["contact"]
    with acting_for(ours.tenant.pk):
        for number in range(60):
            factories.make_job(
                contact,
                factories.NOW.replace(year=2020, month=1 + number % 12, day=1 + number // 12),
                service=f"Visit {number:02}",
            )
    client = browse(ours.people["analyst"])
    url, seen = address(Contact, "change", contact.pk), []

    while url:
        page = client.get(url).content.decode()
        seen += re.findall(r"Visit (\d\d): completed", page)
        older = re.search(r'href="(\?before=[^"]+)"', page)
        url = address(Contact, "change", contact.pk) + older.group(1) if older else ""

    assert sorted(seen) == [f"{number:02}" for number in range(60)]
    assert client.get(address(Contact, "change", contact.pk) + "?before=yesterday").status_code == 400


def test_a_messages_page_tells_what_every_guard_said(ours: Business, browse: Browse) -> None:
    page = browse(ours.people["analyst"]).get(address(Message, "change", ours.rows["message"].pk)).content.decode()

    assert "E-mail footer" in page
    assert "What the guards said" in page


def test_a_message_in_the_local_outbox_is_shown_as_it_left_in_a_sandboxed_frame(ours: Business, browse: Browse) -> None:
    message = ours.rows["message"]
    folder = outbox_directory(ours.tenant, "email")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"wb-{message.pk}.eml").write_bytes(
        b"From: Oak <hello@example.com>\r\nTo: <c@example.com>\r\nSubject: As it left\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p style='color:red'>Hello</p><script>alert(1)</script>\r\n"
    )
    client = browse(ours.people["analyst"])

    page = client.get(address(Message, "change", message.pk)).content.decode()
    frame = client.get(deed(message, "preview"))

    assert "As it left" in page
    assert "alert(1)" not in page
    assert frame.headers["Content-Security-Policy"].endswith("sandbox")
    assert frame.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(("rejected", "told"), [(1, "1 row was rejected"), (1_312, "1,312 rows were rejected")])
def test_an_import_says_how_many_rows_were_rejected(rejected: int, told: str, ours: Business, browse: Browse) -> None:
    batch = ours.rows["importbatch"]
    with acting_for(ours.tenant.pk):
        type(batch).objects.for_tenant(ours.tenant).filter(pk=batch.pk).update(rejected=rejected)

    page = browse(ours.people["owner"]).get(address(type(batch), "change", batch.pk)).content.decode()

    assert told in page


def test_rejected_rows_are_downloaded_by_those_who_import(ours: Business, browse: Browse, settings: Any) -> None:
    batch = ours.rows["importbatch"]
    kept = settings.WINBACK_HOME / "rejects" / ours.tenant.slug
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "contacts-1.csv").write_text("line,reason\n2,no address\n")
    with acting_for(ours.tenant.pk):
        type(batch).objects.filter(pk=batch.pk).update(rejects_file=f"rejects/{ours.tenant.slug}/contacts-1.csv")

    response = browse(ours.people["operator"]).get(deed(batch, "rejects"))

    assert b"no address" in b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert browse(ours.people["analyst"]).get(deed(batch, "rejects")).status_code == 403


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "rejects/../../x"])
def test_a_path_out_of_the_folder_of_rejects_leads_nowhere(path: str, ours: Business, browse: Browse) -> None:
    batch = ours.rows["importbatch"]
    with acting_for(ours.tenant.pk):
        type(batch).objects.filter(pk=batch.pk).update(rejects_file=path)

    assert browse(ours.people["operator"]).get(deed(batch, "rejects")).status_code == 404


def test_names_with_markup_stay_text(ours: Business, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        contact = factories.make_contact(ours.tenant, first_name="<img src=x onerror=alert(1)>", last_name='"><script>')
        enrolment = factories.make_enrolment(factories.make_episode(contact), ours.rows["campaign"])
        message = factories.make_message(enrolment, subject="<script>alert(2)</script>")
    client = browse(ours.people["owner"])

    for url in (
        "/console/campaigns/contact/", address(Contact, "change", contact.pk), address(Message, "change", message.pk),
        "/console/campaigns/message/", deed(contact, "suppress"),
    ):  # fmt: skip
        page = client.get(url).content.decode()
        assert "<img src=x" not in page
        assert "<script>alert" not in page
