"""Contacts are imported: what a row says arrives, what it does not say stays, and the same again writes nothing."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from campaigns.audience.models import Contact, ContactStat, ContactTag, ImportBatch, Suppression
from campaigns.audience.stats import DIRTY
from campaigns.audience.suppressing import suppress
from tenants.accounts.models import Tenant
from tenants.connections.models import DataEvidence
from tenants.journal.models import Event
from tests import factories
from tests.audience.importing import contact, counts, rejects, run, versions, written

TABLES = (
    "campaigns_contact", "campaigns_household", "campaigns_contactstat", "campaigns_consent", "campaigns_contacttag",
)  # fmt: skip
FULL = (
    "external_id,email,phone,first_name,last_name,company,address,city,region,postal_code,country,timezone,tags,"
    "acquired_on,acquisition_channel,email_consent,email_consent_at,email_consent_source,sms_consent,sms_consent_at,"
    "sms_consent_source,sms_consent_text,Favourite colour\n"
    "c1,Ann@Example.com,(312) 555-0142,Ann,Ruiz,Ruiz Ltd,12 Oak Street,Springfield,IL,62701,US,America/Chicago,"
    "VIP; Do-Not-Contact ,2024-05-01,referral,yes,2025-01-02T10:00,web form,no,,,I agree,green\n"
    "c2,bob@example.com,,Bob,,,,,,,,,,,,,,,,,,,\n"
)


def test_every_column_arrives_where_it_belongs(tenant: Tenant, tmp_path: Path) -> None:
    answer = run("contacts", tenant, written(tmp_path, FULL))

    ann = contact(tenant)
    assert counts(answer) == (2, 0, 0, 0)
    assert answer["rows"] == 2
    assert answer["rejects_file"] is None
    assert answer["seconds"] >= 0
    assert (ann.email, ann.email_key, ann.phone) == ("Ann@Example.com", "ann@example.com", "+13125550142")
    assert (ann.first_name, ann.last_name, ann.company) == ("Ann", "Ruiz", "Ruiz Ltd")
    assert (ann.address, ann.city, ann.region, ann.postal_code) == ("12 Oak Street", "Springfield", "IL", "62701")
    assert (ann.country, ann.timezone, ann.timezones) == ("US", "America/Chicago", ["America/Chicago"])
    assert (ann.acquired_on, ann.acquisition_channel) == (date(2024, 5, 1), "referral")
    assert ann.attributes == {"favourite colour": "green"}
    assert sorted(ann.tags.values_list("name", flat=True)) == ["do-not-contact", "vip"]
    given, refused = ann.consents.order_by("channel")
    assert (given.state, given.source) == ("given", "web form")
    assert given.stated_at == datetime(2025, 1, 2, 16, tzinfo=UTC)  # ten o'clock in Chicago
    assert (refused.state, refused.stated_at, refused.wording) == ("withdrawn", None, "I agree")
    assert ann.stat.next_scan_at == DIRTY
    assert ann.household_id is not None


def test_the_same_file_again_writes_nothing(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    run("contacts", tenant, path)
    before = {table: versions(table) for table in TABLES}

    again = run("contacts", tenant, path)

    assert counts(again) == (0, 0, 2, 0)
    assert {table: versions(table) for table in TABLES} == before


def test_an_empty_cell_and_a_missing_column_say_nothing(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, FULL))
    before = Contact.objects.for_tenant(tenant).values().get(external_id="c1")

    answer = run("contacts", tenant, written(tmp_path, "external_id,email,country,phone\nc1,,,\n"))

    assert counts(answer) == (0, 0, 1, 0)
    assert Contact.objects.for_tenant(tenant).values().get(external_id="c1") == before


def test_a_name_alone_changes_the_name_and_nothing_else(tenant: Tenant, tmp_path: Path) -> None:
    run(
        "contacts",
        tenant,
        written(tmp_path, "external_id,first_name,last_name,country,timezone\nc1,Ann,Ruiz,GB,Europe/London\n"),
    )

    answer = run("contacts", tenant, written(tmp_path, "external_id,first_name\nc1,Anna\n"))

    ann = contact(tenant)
    assert counts(answer) == (0, 1, 0, 0)
    assert (ann.first_name, ann.last_name, ann.name_key) == ("Anna", "Ruiz", "ruiz anna")
    assert (ann.country, ann.timezone) == ("GB", "Europe/London")


def test_a_stated_zone_is_not_replaced_by_one_that_is_only_found(tenant: Tenant, tmp_path: Path) -> None:
    header = "external_id,region,timezone\n"
    run("contacts", tenant, written(tmp_path, header + "c1,AZ,America/Phoenix\nc2,AZ,\n"))

    run("contacts", tenant, written(tmp_path, header + "c1,AZ,\nc2,CA,\n"))

    assert contact(tenant).timezones == ["America/Phoenix"]
    assert contact(tenant, "c2").timezones == ["America/Los_Angeles"]  # moved, so found anew


def test_attributes_are_added_and_kept(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, "external_id,colour,size\nc1,green,XL\n"))

    run("contacts", tenant, written(tmp_path, "external_id,colour,shape\nc1,blue,round\n"))

    assert contact(tenant).attributes == {"colour": "blue", "size": "XL", "shape": "round"}


def test_of_rows_with_one_key_the_later_wins(tenant: Tenant, tmp_path: Path) -> None:
    answer = run("contacts", tenant, written(tmp_path, "external_id,first_name\nc1,Ann\nc2,Bob\nc1,Anna\n"))

    assert counts(answer) == (2, 0, 1, 0)
    assert contact(tenant).first_name == "Anna"


def test_email_and_phone_match_only_rows_without_an_external_id(tenant: Tenant, tmp_path: Path) -> None:
    header = "external_id,email,phone,first_name\n"
    run("contacts", tenant, written(tmp_path, header + "c1,ann@example.com,312-555-0142,Ann\n"))

    run("contacts", tenant, written(tmp_path, header + ",ANN@example.com,,Anna\n,,+1 312 555 0142,Anne\n"))
    run("contacts", tenant, written(tmp_path, header + "c2,ann@example.com,312-555-0142,Other\n"))

    assert dict(Contact.objects.for_tenant(tenant).values_list("external_id", "first_name")) == {
        "c1": "Anne",
        "c2": "Other",
    }


@pytest.mark.parametrize(
    "rows",
    [
        ",ann@example.com,,Ann\nc1,ann@example.com,,Anna\n",
        "c1,ann@example.com,,Ann\n,ann@example.com,,Anna\n",
        ",,312-555-0142,Ann\n,ann@example.com,312-555-0142,Anna\n",
        ",ann@example.com,312-555-0142,Ann\n,bob@example.com,312-555-0142,Bob\n,,312-555-0142,Cy\n",
        "c1,,312-555-0142,Ann\n,ann@example.com,312-555-0142,Anna\n,bob@example.com,312-555-0142,Bob\n",
    ],
)
@pytest.mark.parametrize("known_before", [False, True])
def test_rows_that_mean_each_other_find_the_same_contacts_again(
    tenant: Tenant, tmp_path: Path, rows: str, known_before: bool
) -> None:
    if known_before:
        run("contacts", tenant, written(tmp_path, "phone,first_name\n312-555-0142,Old\n", "old.csv"))
    path = written(tmp_path, "external_id,email,phone,first_name\n" + rows)
    run("contacts", tenant, path)
    before = {table: versions(table) for table in TABLES}

    again = run("contacts", tenant, path)

    assert counts(again)[:2] == (0, 0)
    assert {table: versions(table) for table in TABLES} == before


def test_an_erased_contact_stays_erased(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    run("contacts", tenant, path)
    ann = contact(tenant)
    Contact.objects.for_tenant(tenant).filter(pk=ann.pk).update(
        state="erased", email="", email_key=None, email_hmac=None, phone="", phone_key=None, phone_hmac=None,
        first_name="",
    )  # fmt: skip
    ann.tags.all().delete()
    proof = ann.consents.count()  # what was agreed to is proof, and stays

    answer = run("contacts", tenant, path)

    ann.refresh_from_db()
    assert counts(answer) == (0, 0, 2, 0)
    assert (ann.state, ann.email, ann.first_name) == ("erased", "", "")
    assert ann.consents.count() == proof
    assert not ann.tags.exists()


def test_a_merged_contact_is_not_written_but_hands_on_what_forbids(tenant: Tenant, tmp_path: Path) -> None:
    header = "external_id,first_name,email_consent,tags\n"
    run("contacts", tenant, written(tmp_path, header + "c1,Ann,,\nc2,Ann,,\n"))
    loser, winner = contact(tenant, "c1"), contact(tenant, "c2")
    Contact.objects.for_tenant(tenant).filter(pk=loser.pk).update(state="merged", merged_into=winner)

    run("contacts", tenant, written(tmp_path, header + "c1,Other,no,do-not-contact\n"))

    loser.refresh_from_db()
    assert loser.first_name == "Ann"
    assert winner.consents.get().state == "withdrawn"
    assert winner.tags.get().name == "do-not-contact"
    assert not loser.consents.exists()


def test_an_import_never_lifts_a_suppression(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, FULL)
    run("contacts", tenant, path)
    suppress(tenant, channel="email", contact=contact(tenant), reason="complained", source="test", now=factories.NOW)

    run("contacts", tenant, written(tmp_path, "external_id,email_consent,email_consent_at\nc1,yes,2026-09-29\n"))

    assert Suppression.objects.for_tenant(tenant).get().lifted_at is None


def test_tags_are_added_never_taken_and_pull_the_scan_forward(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, "external_id,tags\nc1,vip\nc2,vip\n"))
    ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)

    run("contacts", tenant, written(tmp_path, "external_id,tags\nc1,VIP ;; Do-Not-Contact;winback:won\nc2,\n"))

    assert sorted(contact(tenant).tags.values_list("name", flat=True)) == ["do-not-contact", "vip"]
    assert sorted(contact(tenant, "c2").tags.values_list("name", flat=True)) == ["vip"]
    assert contact(tenant).stat.next_scan_at == DIRTY
    assert contact(tenant, "c2").stat.next_scan_at is None
    assert set(ContactTag.objects.for_tenant(tenant).values_list("source", flat=True)) == {"import"}


def test_a_dry_run_reports_and_keeps_nothing(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, FULL + "c3,nonsense\n")

    answer = run("contacts", tenant, path, dry_run=True)

    assert counts(answer) == (2, 0, 0, 1)
    assert [row["external_id"] for row in rejects(answer)] == ["c3"]
    assert not Contact.objects.for_tenant(tenant).exists()
    assert not ImportBatch.objects.for_tenant(tenant).exists()


def test_what_was_imported_is_noted_for_the_checks_of_activation(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, FULL))

    evidence = DataEvidence.objects.get(tenant=tenant, kind="contacts")
    assert (evidence.rows, evidence.newest_at) == (2, factories.NOW)
    assert Event.objects.for_tenant(tenant).get(kind="audience.contacts_imported").data["created"] == 2


def test_two_tenants_share_nothing(two_tenants: tuple[Tenant, Tenant], tmp_path: Path) -> None:
    ours, theirs = two_tenants
    path = written(tmp_path, FULL)
    run("contacts", theirs, path)
    before = versions("campaigns_contact")

    answer = run("contacts", ours, path)

    assert counts(answer) == (2, 0, 0, 0)
    assert contact(ours).household_id != contact(theirs).household_id
    assert versions("campaigns_contact")[: len(before)] == before


def test_the_number_of_statements_does_not_grow_with_the_file(
    tenant: Tenant, tmp_path: Path, django_assert_max_num_queries: object
) -> None:
    rows = "".join(f"c{number},c{number}@example.com,yes,vip\n" for number in range(2_000))
    path = written(tmp_path, "external_id,email,email_consent,tags\n" + rows)

    with django_assert_max_num_queries(62):  # type: ignore[operator]
        run("contacts", tenant, path)
