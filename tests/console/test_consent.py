"""Consent recorded by hand: by managers, with words and evidence; added, never edited; nobody of theirs to choose."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import Consent, Contact
from tenants.access.models import User
from tenants.journal.models import AuditEntry
from tests import factories
from tests.console.conftest import Business
from tests.console.walking import address
from winback.tenancy import acting_for

Browse = Callable[[User], Client]
ADD = "/console/campaigns/consent/add/"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: factories.NOW)


@pytest.fixture
def contact(ours: Business) -> Contact:
    with acting_for(ours.tenant.pk):
        return factories.make_contact(ours.tenant, first_name="Pat", email="pat@example.com")


def said(contact: Contact, **fields: str) -> dict[str, Any]:
    whole = {
        "contact": str(contact.pk), "channel": "sms", "state": "given", "stated_at": "2026-09-30T11:00",
        "source": "paper form", "wording": "I agree to texts.", "proven_by": "Folder 12, page 3",
    }  # fmt: skip
    return whole | fields


def facts(business: Business, contact: Contact) -> list[Consent]:
    with acting_for(business.tenant.pk):
        return list(Consent.objects.for_tenant(business.tenant).filter(contact=contact).order_by("pk"))


def test_a_manager_records_a_yes_and_later_a_no_as_facts_of_their_own(
    ours: Business, contact: Contact, browse: Browse
) -> None:
    client = browse(ours.people["manager"])

    assert client.post(ADD, said(contact)).status_code == 302
    assert (
        client.post(ADD, said(contact, state="withdrawn", wording="", stated_at="2026-09-30T11:30")).status_code == 302
    )

    yes, no = facts(ours, contact)
    assert (yes.state, yes.channel, yes.wording, yes.source) == ("given", "sms", "I agree to texts.", "paper form")
    assert yes.stated_at == factories.NOW - timedelta(hours=1)
    assert (yes.evidence, yes.recorded_by) == ({"note": "Folder 12, page 3"}, f"user {ours.people['manager'].pk}")
    assert (no.state, no.recorded_at) == ("withdrawn", factories.NOW)
    with acting_for(ours.tenant.pk):
        entries = AuditEntry.objects.for_tenant(ours.tenant).filter(action="consent.added").order_by("sequence")
        assert list(entries.values_list("subject_id", flat=True)) == [yes.pk, no.pk]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"stated_at": "2026-09-30T13:00"}, "lies in the future"),
        ({"wording": " "}, "give the words"),
        ({"source": ""}, "required"),
        ({"proven_by": ""}, "required"),
        ({"state": "soft_opt_in"}, "A text needs a yes"),
        ({"state": "silent"}, "Select a valid choice"),
    ],
)
def test_what_proves_nothing_is_not_kept(
    wrong: dict[str, str], sentence: str, ours: Business, contact: Contact, browse: Browse
) -> None:
    answer = browse(ours.people["manager"]).post(ADD, said(contact, **wrong))

    assert sentence in answer.content.decode()
    assert facts(ours, contact) == []


@pytest.mark.parametrize("ground", ["soft_opt_in", "inquired"])
def test_a_ground_for_email_is_recorded_without_words(
    ground: str, ours: Business, contact: Contact, browse: Browse
) -> None:
    answer = browse(ours.people["manager"]).post(ADD, said(contact, channel="email", state=ground, wording=""))

    assert answer.status_code == 302
    assert [(fact.state, fact.channel) for fact in facts(ours, contact)] == [(ground, "email")]


def test_an_older_yes_does_not_undo_a_no(ours: Business, contact: Contact, browse: Browse) -> None:
    client = browse(ours.people["manager"])
    client.post(ADD, said(contact, state="withdrawn", wording="", stated_at="2026-09-30T10:00"))

    older = client.post(ADD, said(contact, stated_at="2026-09-30T09:00"))
    later = client.post(ADD, said(contact, stated_at="2026-09-30T11:00"))

    assert "They said no after that" in older.content.decode()
    assert later.status_code == 302
    assert [fact.state for fact in facts(ours, contact)] == ["withdrawn", "given"]


def test_nobody_edits_or_deletes_a_fact(ours: Business, browse: Browse) -> None:
    fact, client = ours.rows["consent"], browse(ours.people["owner"])

    assert client.post(address(Consent, "change", fact.pk), said(fact.contact)).status_code == 403
    assert client.post(address(Consent, "delete", fact.pk), {"post": "yes"}).status_code == 403
    assert 'name="wording"' not in client.get(address(Consent, "change", fact.pk)).content.decode()


@pytest.mark.parametrize("role", ["analyst", "operator"])
def test_it_is_a_managers_business(role: str, ours: Business, contact: Contact, browse: Browse) -> None:
    assert browse(ours.people[role]).post(ADD, said(contact)).status_code == 403
    assert facts(ours, contact) == []


def test_the_contact_is_searched_and_nobody_of_theirs_is_found_or_taken(
    ours: Business, theirs: Business, contact: Contact, browse: Browse
) -> None:
    client = browse(ours.people["manager"])
    asked = {"app_label": "campaigns", "model_name": "consent", "field_name": "contact"}

    page = client.get(ADD).content.decode()
    found = client.get("/console/autocomplete/", asked | {"term": "pat@example.com"}).json()["results"]
    everybody = client.get("/console/autocomplete/", asked | {"term": ""}).content.decode()
    stranger = client.get("/console/autocomplete/", asked | {"term": theirs.rows["contact"].email}).json()["results"]

    assert "admin-autocomplete" in page
    assert contact.email not in page  # the page itself lists nobody
    assert [each["id"] for each in found] == [str(contact.pk)]
    assert stranger == []
    assert theirs.mark not in everybody
    refused = client.post(ADD, said(theirs.rows["contact"]))
    assert "Select a valid choice" in refused.content.decode()
    assert len(facts(theirs, theirs.rows["contact"])) == 1  # the one it was furnished with
