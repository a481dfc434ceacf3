"""Proof of why somebody was written to: everything on file, of this business alone, in a file that runs nothing."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from campaigns.audience.addresses import address_hmac
from campaigns.audience.consent import record_consent
from campaigns.audience.models import Suppression
from campaigns.audience.suppressing import lift, suppress
from campaigns.operating import evidence
from campaigns.planning.models import Campaign, Message
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tests import factories
from winback.tenancy import acting_for

NOW = factories.NOW
DIGEST = "c0ffee" * 10


def written_to(tenant: Tenant, name: str = "ann") -> Message:
    """Somebody with consent, a suppression that was lifted, and a message with a verdict."""
    email = f"{name}@example.com"
    contact = factories.make_contact(
        tenant, external_id=name, email=email, email_hmac=address_hmac(email), first_name="=HYPERLINK(1)"
    )
    record_consent(
        contact, "email", "given", stated_at=NOW - timedelta(days=9), source="=cmd|' /C calc'!A0", now=NOW,
        actor="import", wording="Yes, write to me.", evidence={"ip": "192.0.2.7", "user_agent": "Firefox"},
    )  # fmt: skip
    suppress(tenant, channel="email", contact=contact, reason="staff", source="console, user 7", now=NOW)
    lift(
        Suppression.objects.for_tenant(tenant).get(contact_id=contact.pk), note="She asked for it.", actor="7", now=NOW
    )
    campaign = tenant_campaign(tenant)
    return factories.make_message(
        factories.make_enrolment(factories.make_episode(contact), campaign), state="delivered", content_sha256=DIGEST,
        handed_over_at=NOW,
        verdicts=[
            {"guard": "consent", "version": 2, "allowed": True, "when": "claim", "at": NOW.isoformat(),
             "channel": "email", "facts": {"rule": "email-us", "basis": "opt_out"}, "lists": {"urgency": 1}},
        ],
    )  # fmt: skip


def tenant_campaign(tenant: Tenant) -> Any:
    return Campaign.objects.for_tenant(tenant).first() or factories.make_campaign(tenant)


def kinds(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["kind"], []).append(row)
    return found


def test_a_contacts_proof_holds_every_fact_and_the_rules_themselves(tenant: Tenant) -> None:
    message, other = written_to(tenant), written_to(tenant, "bob")

    rows = kinds(list(evidence.lines(tenant, now=NOW, contact=message.contact)))

    assert {row["contact"] for kind, each in rows.items() if kind not in ("export", "rule") for row in each} == {"ann"}
    [consent], [suppression], [verdict] = rows["consent"], rows["suppression"], rows["verdict"]
    assert consent["details"]["wording"] == "Yes, write to me."
    assert consent["details"]["evidence"]["ip"] == "192.0.2.7"
    assert (suppression["what"], suppression["details"]["lifted_note"]) == ("lifted", "She asked for it.")
    assert (verdict["what"], verdict["version"], verdict["allowed"], verdict["rule"]) == (
        "consent",
        2,
        True,
        "email-us",
    )
    assert rows["message"][0]["content_sha256"] == DIGEST
    assert {"email-us", "email-ca", "sms-safe", "pecr-gb"} <= {row["rule"] for row in rows["rule"]}
    (urgency,) = [row for row in rows["rule"] if (row["what"], row["rule"]) == ("word_list", "urgency")]
    assert (urgency["details"]["version"], len(urgency["details"]["patterns"])) == (1, 5)
    assert verdict["details"]["lists"] == {"urgency": 1}  # which is what the verdict names
    assert all(row["source"] for row in rows["rule"])
    assert other.pk not in {row.get("message") for row in rows["message"]}


def test_what_keeps_an_address_is_told_of_everybody_who_has_it(tenant: Tenant) -> None:
    ann, bob = written_to(tenant).contact, written_to(tenant, "bob").contact
    type(bob).objects.for_tenant(tenant).filter(pk=bob.pk).update(email=ann.email, email_hmac=ann.email_hmac)
    suppress(tenant, channel="email", contact=ann, reason="complained", source="report", now=NOW)

    rows = kinds(list(evidence.lines(tenant, now=NOW, campaign=tenant_campaign(tenant))))["suppression"]

    assert {row["contact"] for row in rows if row["reason"] == "complained"} == {"ann", "bob"}


def test_whoever_was_merged_is_proven_with_what_was_sent_before(tenant: Tenant) -> None:
    ann, before = written_to(tenant).contact, written_to(tenant, "bob")
    type(ann).objects.for_tenant(tenant).filter(pk=before.contact_id).update(state="merged", merged_into=ann)

    rows = kinds(list(evidence.lines(tenant, now=NOW, contact=ann)))

    assert {row["contact"] for row in rows["message"]} == {"ann", "bob"}
    assert before.pk in {row["message"] for row in rows["verdict"]}


def test_the_command_writes_json_lines_or_csv_that_no_spreadsheet_runs(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written_to(tenant)
    code = tenant_campaign(tenant).code

    call_command("export_evidence", str(tmp_path / "a.jsonl"), tenant=tenant.slug, contact="ann")
    call_command("export_evidence", str(tmp_path / "a.csv"), tenant=tenant.slug, campaign=code)

    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows[0]["details"] == {"tenant": tenant.slug, "contact": "ann"}
    assert kinds(rows)["verdict"]
    cells = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert {row["contact"] for row in cells} == {"", "ann"}
    assert all(not value.startswith(("=", "+", "-", "@")) for row in cells for value in row.values())
    assert any(row["source"] == "'=cmd|' /C calc'!A0" for row in cells)
    assert (tmp_path / "a.csv").stat().st_mode & 0o077 == 0
    assert AuditEntry.objects.for_tenant(tenant).filter(action="evidence.exported").count() == 2


@pytest.mark.parametrize(
    ("name", "about", "says"),
    [
        ("a.txt", {"contact": "ann"}, "must end in"),
        ("a.csv", {"contact": "nobody"}, "no contact"),
        ("a.csv", {"campaign": "none"}, "no campaign"),
    ],
)
def test_the_command_says_what_is_wrong(
    tenant: Tenant, tmp_path: Path, name: str, about: dict[str, str], says: str
) -> None:
    written_to(tenant)

    with pytest.raises(CommandError, match=says):
        call_command("export_evidence", str(tmp_path / name), tenant=tenant.slug, **about)


def test_the_api_gives_it_for_its_own_business_alone(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours_, theirs_ = two_tenants
    with acting_for(ours_.pk):
        written_to(ours_)
        code = tenant_campaign(ours_).code
        key = create_key(ours_, name="test", now=NOW)[1]
    with acting_for(theirs_.pk):
        stranger = create_key(theirs_, name="test", now=NOW)[1]

    def ask(key: str, address: str) -> Any:
        return client.get(f"/api/contacts/{address}", headers={"Authorization": f"Bearer {key}"})

    answer = ask(key, "evidence?contact=ann")
    rows = [json.loads(line) for line in answer.getvalue().decode().splitlines()]
    assert kinds(rows)["message"][0]["content_sha256"] == DIGEST
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-contact-')
    assert b"ann" in ask(key, f"evidence/campaign?campaign={code}&format=csv").getvalue()
    assert ask(stranger, "evidence?contact=ann").status_code == 404
    assert ask(stranger, f"evidence/campaign?campaign={code}").json()["code"] == "campaign_not_found"
