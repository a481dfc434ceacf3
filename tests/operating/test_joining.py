"""Merging two contacts by its command and by the API: found, refused, done, on record."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import Contact
from campaigns.planning.models import Enrolment, Message
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tests import factories

Merge = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def loser(tenant: Tenant) -> Contact:
    contact = factories.make_contact(tenant, external_id="old", email="ann@example.com")
    factories.make_job(contact, factories.NOW)
    enrolment = factories.make_enrolment(factories.make_episode(contact), factories.make_campaign(tenant))
    factories.make_message(enrolment)
    return contact


@pytest.fixture
def winner(tenant: Tenant) -> Contact:
    return factories.make_contact(tenant, external_id="new", email="ann@work.example.com")


def by_command(tenant: Tenant, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command(
        "merge_contacts", *arguments, f"--tenant={tenant.slug}", "--json", f"--as-of={factories.NOW.isoformat()}"
    )
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def states(*contacts: Contact) -> list[str]:
    return [Contact.objects.get(pk=contact.pk).state for contact in contacts]


@pytest.mark.parametrize("name", ["old", "Ann@Example.com", "#"])
def test_the_command_merges_and_ends_what_was_planned(
    name: str, tenant: Tenant, loser: Contact, winner: Contact, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = by_command(tenant, capsys, f"#{loser.pk}" if name == "#" else name, "new")

    assert answer == {
        "loser": "old", "winner": "new", "jobs": 1, "tags": 0, "episodes_closed": 1, "enrolments_ended": 1,
        "across_arms": False,
    }  # fmt: skip
    assert states(loser, winner) == ["merged", "active"]
    assert Enrolment.objects.get().ended_by == "episode_closed"
    assert Message.objects.get().state == "cancelled"
    assert AuditEntry.objects.get(action="contact.merged").actor == "command line"


def test_a_dry_run_keeps_nothing(
    tenant: Tenant, loser: Contact, winner: Contact, capsys: pytest.CaptureFixture[str]
) -> None:
    assert by_command(tenant, capsys, "old", "new", "--dry-run")["jobs"] == 1

    assert states(loser, winner) == ["active", "active"]
    assert Message.objects.get().state == "planned"


def test_a_name_that_fits_several_is_no_guess(
    tenant: Tenant, loser: Contact, winner: Contact, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = factories.make_contact(tenant, email="ann@example.com")

    with pytest.raises(CommandError, match=f"Several contacts .*#{loser.pk}, #{twin.pk}"):
        by_command(tenant, capsys, "ann@example.com", "new")
    with pytest.raises(CommandError, match="no contact 'nobody'"):
        by_command(tenant, capsys, "nobody", "new")
    with pytest.raises(CommandError, match="two different contacts"):
        by_command(tenant, capsys, "new", "new")
    assert states(loser, winner, twin) == ["active"] * 3


def test_nobody_of_another_tenant_is_found(
    two_tenants: tuple[Tenant, Tenant], capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = two_tenants
    factories.make_contact(ours, external_id="one")
    stranger = factories.make_contact(theirs, external_id="stranger")

    for name in ("stranger", f"#{stranger.pk}", stranger.email):
        with pytest.raises(CommandError, match="no contact"):
            by_command(ours, capsys, name, "one")
    assert states(stranger) == ["active"]


def post(client: Client, tenant: Tenant, scopes: list[str], **body: str) -> Any:
    _, text = create_key(tenant, name="crm", now=factories.NOW, scopes=scopes)
    headers = {"Authorization": f"Bearer {text}"}
    return client.post("/api/contacts/merge", body, content_type="application/json", headers=headers)


def test_the_api_merges_and_flags_different_arms(
    client: Client, tenant: Tenant, loser: Contact, winner: Contact
) -> None:
    for contact, arm in ((loser, "treated"), (winner, "held_out")):
        Assignment.objects.create(
            tenant=tenant, contact=contact, household_key="h", share=2_000, arm=arm, drawn_at=factories.NOW
        )

    answer = post(client, tenant, ["contacts:write"], loser="old", winner="new")

    assert (answer.status_code, answer.json()["across_arms"]) == (200, True)
    assert set(Assignment.objects.values_list("merged_across_arms", flat=True)) == {True}
    assert AuditEntry.objects.get(action="contact.merged").actor.startswith("API key ")


def test_the_api_refuses_in_its_own_codes(client: Client, tenant: Tenant, loser: Contact, winner: Contact) -> None:
    unscoped = post(client, tenant, ["contacts:read"], loser="old", winner="new")
    assert (unscoped.status_code, unscoped.json()["code"]) == (403, "scope_missing")
    unknown = post(client, tenant, ["contacts:write"], loser="old", winner="nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "contact_not_found")
    same = post(client, tenant, ["contacts:write"], loser="old", winner="old")
    assert (same.status_code, same.json()["code"]) == (409, "not_merged")
    assert states(loser, winner) == ["active", "active"]
