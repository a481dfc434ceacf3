"""Forgetting a person: nothing that names them is left anywhere, they stay away, and the numbers are what they were."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from campaigns.audience import dormancy
from campaigns.audience.addresses import address_hmac
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.models import Contact, Job, Suppression
from campaigns.compliance import forgetting as compliance
from campaigns.compliance.models import Touch
from campaigns.delivery import outbox
from campaigns.delivery.outbox import Outcome
from campaigns.delivery.routing import reference_of
from campaigns.operating import erasing, exporting
from campaigns.operating.erasure_models import Erasure
from campaigns.operating.exporting import rejects_folder
from campaigns.operating.holdings import HELD_OTHERWISE, HOLDINGS, NAMES_NOBODY
from campaigns.planning.models import Enrolment, Message
from campaigns.results.attributing import attribute
from campaigns.results.reporting import results
from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections.connecting import outbox_directory
from tenants.journal import audit
from tenants.journal.models import Event, Task
from tests import factories
from tests.operating import planting
from tests.operating.planting import erase

NOW = factories.NOW
pytestmark = pytest.mark.usefixtures("home")


def test_nothing_that_names_them_is_left_in_any_column_or_file(tenant: Tenant, planted: Contact) -> None:
    before = set(planting.found_in_database())
    assert len({place.partition(".")[0] for place in before}) >= 23
    assert planting.found_in_files(tenant)

    erase(planted)

    assert planting.found_in_database() == []
    assert planting.found_in_files(tenant) == []
    assert audit.verify(tenant) == []
    assert not Task.objects.for_tenant(tenant).exclude(arguments={}).exists()


def test_every_model_is_held_or_names_nobody() -> None:
    known = {holding.model for holding in HOLDINGS} | set(HELD_OTHERWISE)
    ours = [model for label in ("tenants", "campaigns") for model in apps.get_app_config(label).get_models()]

    unknown = {model.__name__ for model in ours if model not in known} - NAMES_NOBODY
    with_key = {
        model
        for model in ours
        for field in model._meta.concrete_fields
        if (isinstance(field, models.ForeignKey) and field.related_model is Contact) or field.name == "contact_id"
    }
    assert unknown == set()
    assert with_key <= known


def test_the_report_says_the_same_before_and_after(tenant: Tenant, planted: Contact) -> None:
    later = NOW + timedelta(days=90)
    attribute(tenant, now=later)
    before = results(tenant, now=later)
    assert (before["episodes"], before["reactivated_treated"], before["revenue"]) == (1, 1, "120.00")

    erase(planted)

    attribute(tenant, now=later, full=True)
    after = results(tenant, now=later)
    for told in (before, *before["campaigns"]):  # all but what had not left yet
        told["messages"] = {"email": {"cancelled": 1, "delivered": 1}}
    assert after == before
    assert Assignment.objects.for_tenant(tenant).get(contact=planted).arm == "treated"


def test_the_lapse_is_closed_the_sequence_ended_and_what_is_planned_cancelled(tenant: Tenant, planted: Contact) -> None:
    erase(planted)

    rows = {"tenant": tenant}
    assert DormancyEpisode.objects.get(**rows).closed_by == "erased"
    assert Enrolment.objects.get(**rows).state == "ended"
    assert sorted(Message.objects.filter(**rows).values_list("state", flat=True)) == ["cancelled", "delivered"]
    kinds = Event.objects.for_tenant(tenant).filter(contact_id=planted.pk).values_list("kind", flat=True)
    assert {"episode.closed", "enrolment.ended", "contact.erased"} <= set(kinds)
    assert full_scan_changes(tenant) == {"opened": 0, "moved": 0, "closed": 0}


def full_scan_changes(tenant: Tenant) -> dict[str, int]:
    scanned = dormancy.scan(tenant=tenant, now=NOW, full=True)[tenant.pk]
    return {name: getattr(scanned, name) for name in ("opened", "moved", "closed")}


def test_every_address_known_of_them_is_suppressed_for_good(tenant: Tenant, planted: Contact) -> None:
    erase(planted)

    before = f"{planting.MARK}.before@example.com"
    for address in (planting.EMAIL, planting.PHONE, planting.SECOND_EMAIL, planting.SECOND_PHONE, before):
        rows = Suppression.objects.for_tenant(tenant).filter(address_hmac=address_hmac(address), lifted_at=None)
        row = rows.get(channel="all")
        assert (row.reason, row.brand_id, row.contact_id) == ("erasure", None, None), address


def test_other_people_keep_what_is_theirs(tenant: Tenant, planted: Contact) -> None:
    other = planting.contact_of(tenant, external_id="other", email="other@example.com", phone="+13125550101")
    factories.make_job(other, NOW)

    erase(planted)

    other.refresh_from_db()
    assert (other.state, other.email) == ("active", "other@example.com")
    assert Job.objects.for_tenant(tenant).get(contact=other).service == "AC tune-up"
    waiting = InboxItem.objects.for_tenant(tenant).get(state="unreadable")
    assert bytes(waiting.body).decode().endswith('{"email": "other@example.com"}]')
    assert "Bo" in (rejects_folder(tenant) / "contacts-7.csv").read_text()


def test_whom_they_lived_with_is_not_told_by_their_rows(tenant: Tenant, planted: Contact) -> None:
    home = planted.household
    mate = planting.contact_of(tenant, external_id="mate", email="mate@example.com", household=home)
    Assignment.objects.create(
        tenant=tenant, contact=mate, household_key=home.key, share=2000, arm="treated", drawn_at=NOW
    )

    erase(planted)

    people = {planted.pk, *Contact.objects.for_tenant(tenant).filter(state="erased").values_list("pk", flat=True)}
    rows = Contact.objects.for_tenant(tenant)
    assert rows.get(pk=mate.pk).household_id == home.pk
    assert not rows.filter(pk__in=people, household=home).exists()
    assert not Message.objects.for_tenant(tenant).filter(household=home).exists()
    assert not Touch.objects.for_tenant(tenant).filter(household=home).exists()
    keys = dict(Assignment.objects.for_tenant(tenant).values_list("contact_id", "household_key"))
    assert keys[mate.pk] != keys[planted.pk]
    assert planting.found_in_database() == []


def test_the_proof_names_nobody_and_lists_what_is_elsewhere(tenant: Tenant, planted: Contact) -> None:
    proof = erase(planted)

    assert (proof.state, proof.people, len(proof.contacts)) == ("done", 1, 2)
    assert proof.removed["campaigns_contact"] == 2
    assert proof.removed["campaigns_message"] == 2
    assert (proof.removed["files"], proof.removed["rejected_rows"]) == (2, 2)
    assert proof.kept == {"jobs": 1, "assignments": 1, "enrolments": 1, "digests": 5, "texts": proof.kept["texts"]}
    assert {one["what"] for one in proof.elsewhere} == {"endpoint", "source", "backups", "files", "hosts"}
    with pytest.raises(erasing.CannotErase, match="erased already"):
        erase(planted)


def test_what_is_being_handed_over_is_emptied_once_it_is_recorded(tenant: Tenant, planted: Contact) -> None:
    claim = uuid4()
    rows = Message.objects.for_tenant(tenant).filter(state="planned")
    rows.update(state="handing_over", claim_token=claim, lease_until=NOW + timedelta(days=9_000))
    leaving = Message.objects.for_tenant(tenant).get(state="handing_over")

    proof = erase(planted)

    assert proof.state == "finishing"
    assert erasing.finish(tenant, now=NOW) == 0
    told = Outcome(leaving.pk, Message.State.HANDED_OVER, provider_id="told-by-provider", error=planting.MARK)
    assert outbox.record_outcomes(tenant.pk, [told], claim=claim, now=NOW) == {"handed_over": 1}
    folder = outbox_directory(tenant, "email")
    (folder / f"{reference_of(leaving.pk)}.eml").write_text(planting.EMAIL)
    assert erasing.finish(tenant, now=NOW) == 1
    leaving.refresh_from_db()
    assert (leaving.state, leaving.provider_id, leaving.error) == ("handed_over", "", "")
    assert planting.found_in_files(tenant) == []
    proof.refresh_from_db()
    assert (proof.state, proof.finished_at) == ("done", NOW)
    assert "leaving" not in proof.kept


def test_a_report_of_another_message_whose_number_begins_alike_keeps_its_words(
    tenant: Tenant, planted: Contact
) -> None:
    theirs = Message.objects.for_tenant(tenant).filter(handed_over_at__isnull=False).order_by("pk")[0]
    other = f'[{{"reference": "{reference_of(theirs.pk)}7"}}]'.encode()
    row = InboxItem.objects.for_tenant(tenant).order_by("pk")[0]
    made = InboxItem.objects.create(
        tenant=tenant, connection=row.connection, digest="d", body=other, state="applied", received_at=NOW
    )

    erase(planted)

    made.refresh_from_db()
    assert bytes(made.body) == other


def test_many_people_take_no_more_statements_than_two(tenant: Tenant) -> None:
    def statements(number: int) -> int:
        people = [planting.contact_of(tenant, external_id=f"{number}-{each}", email=f"{number}-{each}@example.com",
                                      phone=f"+1312555{number:02}{each:02}") for each in range(number)]  # fmt: skip
        with CaptureQueriesContext(connection) as captured:
            assert erasing.erase(tenant, people, now=NOW, actor="test").people == number
        return len(captured)

    statements(1)  # what is asked once and remembered
    assert statements(2) == statements(30)


def test_what_meets_other_work_at_the_same_people_begins_again(
    tenant: Tenant, planted: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = compliance.forget
    met: list[Contact] = []

    def after_a_deadlock(*arguments: Any) -> dict[str, int]:
        if not met:
            met.append(planted)
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
        return forget(*arguments)

    monkeypatch.setattr(compliance, "forget", after_a_deadlock)

    assert erasing.erase(tenant, [planted], now=NOW, actor="test").removed["campaigns_contact"] >= 1
    assert met == [planted]


def test_a_dry_run_counts_and_keeps_everything(tenant: Tenant, planted: Contact) -> None:
    call_command("erase_contact", f"--contact={planting.NUMBER}", tenant=tenant.slug, dry_run=True, json=True)

    planted.refresh_from_db()
    assert (planted.state, planted.email) == ("active", planting.EMAIL)
    assert len(planting.found_in_files(tenant)) == 3
    assert not Erasure.objects.for_tenant(tenant).exists()


def test_the_export_holds_a_row_of_every_table(tenant: Tenant, planted: Contact) -> None:
    told = json.loads(exporting.written(exporting.export(tenant, planted, now=NOW)))

    empty = {holding.name for holding in HOLDINGS if not told[holding.name]}
    assert empty == {"erasures", "audit"}
    assert told["contact"][0]["email"] == planting.EMAIL
    assert [len(told[name]) for name in ("bodies", "reports", "rejected_rows")] == [1, 3, 2]
    assert "other@example.com" not in json.dumps(told["reports"])
    assert {line["kind"] for line in told["evidence"]} >= {"consent", "message", "verdict"}
