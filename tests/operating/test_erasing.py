"""Forgetting a person: nothing that names them is left anywhere, they stay away, and the numbers are what they were."""

import csv
import json
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from campaigns.audience import dormancy
from campaigns.audience.addresses import address_hmac
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.models import Contact, Job, Suppression
from campaigns.compliance import forgetting as compliance
from campaigns.compliance.models import Touch
from campaigns.delivery import outbox
from campaigns.delivery.outbox import Outcome
from campaigns.delivery.routing import reference_of
from campaigns.operating import erasing, exporting, hosts
from campaigns.operating.erasure_models import Erasure, Host
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

NOW = factories.NOW


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.WINBACK_HOME = tmp_path
    return tmp_path


@pytest.fixture
def planted(tenant: Tenant, home: Path) -> Contact:
    return planting.plant(tenant)


def erase(contact: Contact, **fields: Any) -> Erasure:
    return erasing.erase(contact.tenant, [contact], now=NOW, actor="user 1", **fields)


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


def test_another_host_forgets_them_in_its_own_files_and_says_so_on_the_proof(
    two_tenants: tuple[Tenant, Tenant], home: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tenant = two_tenants[0]
    planted = planting.plant(tenant)
    other = tmp_path_factory.mktemp("other") / "home"
    settings.WINBACK_HOME = other
    call_command("tidy_host", json=True)
    shutil.copytree(home, other, dirs_exist_ok=True)
    spelled = f"Wrote from {planting.EMAIL.upper()}, please mend"
    rows = [["2", "no date", "", spelled], ["3", "no date", planting.NUMBER, ""], ["4", "no date", "c5", "Bo"]]
    with (rejects_folder(tenant) / "jobs-9.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["line", "reason", "contact_external_id", "note"], *rows])
    settings.WINBACK_HOME = home

    proof = erase(planted)

    assert planting.found_in_files(tenant) == []
    assert sorted(bool(at) for _, at in hosts.told(proof)) == [False, True]
    settings.WINBACK_HOME = other
    assert planting.found_in_files(tenant)
    assert hosts.tend(now=NOW + timedelta(minutes=1)) == hosts.Tended(erasures=1, files=2, rejected_rows=4)
    assert planting.found_in_files(tenant) == []
    assert "Bo" in (rejects_folder(tenant) / "jobs-9.csv").read_text()
    assert hosts.tend(now=NOW + timedelta(minutes=2)) == hosts.Tended()
    proof.refresh_from_db()
    assert all(at for _, at in hosts.told(proof))


def test_a_host_that_is_a_copy_of_another_goes_through_its_own_files_too(
    two_tenants: tuple[Tenant, Tenant], home: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tenant = two_tenants[0]
    planted = planting.plant(tenant)
    one = hosts.this_host(now=NOW - timedelta(minutes=2))
    copy = tmp_path_factory.mktemp("copy") / "home"
    shutil.copytree(home, copy)
    proof = erase(planted)  # on the first host
    settings.WINBACK_HOME = copy
    assert planting.found_in_files(tenant)

    assert hosts.tend(now=NOW + timedelta(minutes=1)).erasures == 1

    assert planting.found_in_files(tenant) == []
    other = hosts.this_host(now=NOW + timedelta(minutes=2))
    settings.WINBACK_HOME = home
    assert hosts.this_host(now=NOW + timedelta(minutes=3)) == one
    proof.refresh_from_db()
    assert set(proof.hosts) == {str(one.key), str(other.key)}


def test_a_host_stays_itself_under_another_name_and_after_what_was_taken_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hosts.this_host(now=NOW)
    with suppress(RuntimeError), transaction.atomic():
        hosts.this_host(now=NOW + timedelta(minutes=1))
        raise RuntimeError
    monkeypatch.setattr("socket.gethostname", lambda: "another-name")

    seen = [hosts.this_host(now=NOW + timedelta(minutes=minute)) for minute in (2, 3)]
    Host.objects.update(last_seen_at=NOW - timedelta(days=1))  # as the database was in a backup
    seen.append(hosts.this_host(now=NOW + timedelta(minutes=4)))

    assert seen == [first] * 3
    assert Host.objects.get().name == "another-name"


def test_a_host_that_is_gone_is_struck(tenant: Tenant, planted: Contact, capsys: pytest.CaptureFixture[str]) -> None:
    Host.objects.create(key=uuid4(), name="old-web", first_seen_at=NOW, last_seen_at=NOW)
    proof = erase(planted)
    assert [host.name for host, at in hosts.told(proof) if not at] == ["old-web"]

    call_command("tidy_host", gone="old-web", json=True)

    assert json.loads(capsys.readouterr().out)["struck"] == 1
    assert all(at for _, at in hosts.told(proof))
    with pytest.raises(CommandError, match="no host 'old-web'"):
        call_command("tidy_host", gone="old-web")


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
