"""Processing restricted: kept, and neither scanned, enrolled, planned for nor written to, until a manager lifts it."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from campaigns.audience import dormancy
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.merging import merge
from campaigns.audience.models import Contact, ContactStat
from campaigns.delivery.sending import send_due
from campaigns.operating import restricting
from campaigns.operating.explaining import explain
from campaigns.operating.planning import plan
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.connecting import connect
from tenants.journal.models import AuditEntry
from tests import factories
from tests.operating import planting

NOW = factories.NOW
LONG_AGO = NOW - timedelta(days=213)


def lapsed(tenant: Tenant) -> Contact:
    contact = planting.contact_of(tenant, external_id="ann", email="ann@example.com")
    job = factories.make_job(contact, LONG_AGO)
    ContactStat.objects.filter(contact=contact).update(last_job_at=LONG_AGO, last_job_id=job.pk, job_count=1)
    return contact


def restrict(contact: Contact) -> None:
    call_command("restrict_contact", contact.external_id, tenant=contact.tenant.slug, ground="objection", json=True)


@pytest.fixture
def indifferent(tenant: Tenant, catalog: None) -> ModuleActivation:
    """A module whose settings do not look at do-not-contact tags."""
    connect(tenant, kind="email", provider="local", label="Outbox", now=NOW, actor="test")
    return factories.make_activation(tenant, settings={"exclude_do_not_contact": False})


def test_nobody_opens_a_lapse_of_theirs_whatever_the_settings_say(
    tenant: Tenant, indifferent: ModuleActivation
) -> None:
    ann = lapsed(tenant)
    restrict(ann)

    report = dormancy.scan(tenant=tenant, now=NOW)[tenant.pk]

    assert (report.opened, report.excluded) == (0, {"restricted": 1})
    assert explain(tenant, ann, now=NOW)["reasons"] == ["restricted"]
    assert dormancy.scan(tenant=tenant, now=NOW, full=True)[tenant.pk].opened == 0


def test_an_open_lapse_stays_as_it_is_and_nothing_is_planned_or_sent(
    tenant: Tenant, indifferent: ModuleActivation
) -> None:
    ann = lapsed(tenant)
    dormancy.scan(tenant=tenant, now=NOW)
    campaign = factories.make_campaign(tenant, activation=indifferent)
    enrolment = factories.make_enrolment(DormancyEpisode.objects.for_tenant(tenant).get(), campaign)
    factories.make_message(enrolment)

    restrict(ann)
    later = NOW + timedelta(days=120)
    plan(tenant, now=later)
    send_due(tenant, now=later)
    moved = dormancy.scan(tenant=tenant, now=later)[tenant.pk].moved

    assert moved == 0
    episode = DormancyEpisode.objects.for_tenant(tenant).get()
    assert (episode.state, episode.cohort_months) == ("open", 6)
    assert Enrolment.objects.for_tenant(tenant).get().ended_by == "do_not_contact"
    assert Message.objects.for_tenant(tenant).get().state == "cancelled"


def test_it_ends_with_a_note_that_says_why_and_the_scan_looks_again(
    tenant: Tenant, indifferent: ModuleActivation, capsys: pytest.CaptureFixture[str]
) -> None:
    ann = lapsed(tenant)
    restrict(ann)
    with pytest.raises(CommandError, match="Say why"):
        call_command("restrict_contact", "ann", tenant=tenant.slug, lift=True)
    capsys.readouterr()

    call_command("restrict_contact", "ann", tenant=tenant.slug, lift=True, note="Settled, told on 3 March.", json=True)

    assert json.loads(capsys.readouterr().out) == {"lifted": True}
    assert dormancy.scan(tenant=tenant, now=NOW)[tenant.pk].opened == 1
    acts = list(AuditEntry.objects.for_tenant(tenant).order_by("sequence").values_list("action", "data"))
    assert acts[-2:] == [("contact.restricted", {}), ("contact.restriction_lifted", {})]


def test_merging_hands_the_restriction_on(tenant: Tenant) -> None:
    ann, other = lapsed(tenant), planting.contact_of(tenant, external_id="other", email="other@example.com")
    restrict(ann)

    merge(ann, other, now=NOW, actor="test")

    assert restricting.is_restricted(other)


def test_who_was_erased_has_nothing_to_restrict_and_a_ground_is_one_of_the_law(tenant: Tenant) -> None:
    ann = lapsed(tenant)
    Contact.objects.filter(pk=ann.pk).update(state="erased")

    with pytest.raises(restricting.NotRestricted, match="erased"):
        restricting.restrict(ann, ground="claims", now=NOW, actor="test")
    with pytest.raises(restricting.NotRestricted, match="ground"):
        restricting.restrict(ann, ground="whim", now=NOW, actor="test")
