"""Tags: winback's own in sets, operators' one at a time, and neither side touches the other's."""

from datetime import datetime, timedelta

import pytest

from campaigns.audience import stats
from campaigns.audience.models import Contact, ContactTag
from campaigns.audience.tagging import (
    ManagedTag,
    NoTag,
    NotManaged,
    clear_managed,
    set_managed,
    tag_contact,
    untag_contact,
)
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests.factories import make_contact
from winback.tenancy import acting_for


def tags(contact: Contact) -> dict[str, str]:
    rows = ContactTag.objects.for_tenant(contact.tenant_id).filter(contact=contact)
    return dict(rows.values_list("name", "source"))


def settled(tenant: Tenant) -> Contact:
    """A contact at which the scan need not look again."""
    contact = make_contact(tenant)
    contact.stat.next_scan_at = None
    contact.stat.save()
    return contact


def is_due(contact: Contact) -> bool:
    contact.stat.refresh_from_db()
    return bool(contact.stat.next_scan_at == stats.DIRTY)


def test_puts_a_managed_tag_once_with_its_source_and_an_event(tenant: Tenant, now: datetime) -> None:
    one, other = make_contact(tenant), make_contact(tenant)

    first = set_managed(tenant.pk, "winback:won", [one.pk], now=now, source="results")
    again = set_managed(tenant.pk, "winback:won", [one.pk, other.pk], now=now, source="elsewhere")

    assert (first, again) == (1, 1)
    assert (tags(one), tags(other)) == ({"winback:won": "results"}, {"winback:won": "elsewhere"})
    events = Event.objects.for_tenant(tenant).filter(kind="contact.tagged").order_by("id")
    assert [(event.contact_id, event.data["tag"]) for event in events] == [
        (one.pk, "winback:won"),
        (other.pk, "winback:won"),
    ]


def test_takes_managed_tags_off_and_leaves_the_operators(tenant: Tenant, now: datetime) -> None:
    contact = make_contact(tenant)
    tag_contact(contact, "vip", now=now, source="staff")
    for name in ("winback:6m", "winback:won"):
        set_managed(tenant.pk, name, [contact.pk], now=now, source="scan")

    gone = clear_managed(tenant.pk, [contact.pk], ["winback:6m", "winback:9m"], now=now)

    assert gone == 1
    assert tags(contact) == {"vip": "staff", "winback:won": "scan"}
    assert clear_managed(tenant.pk, [contact.pk], ["winback:won"]) == 1
    assert Event.objects.for_tenant(tenant).filter(kind="contact.untagged").count() == 1


def test_nothing_to_do_is_nothing_done(tenant: Tenant, now: datetime) -> None:
    assert set_managed(tenant.pk, "winback:won", [], now=now, source="results") == 0
    assert clear_managed(tenant.pk, [], ["winback:won"]) == 0


def test_sets_refuse_an_operator_s_tag(tenant: Tenant, now: datetime) -> None:
    contact = make_contact(tenant)
    tag_contact(contact, "vip", now=now, source="staff")

    with pytest.raises(NotManaged):
        set_managed(tenant.pk, "gold", [contact.pk], now=now, source="scan")
    with pytest.raises(NotManaged):
        clear_managed(tenant.pk, [contact.pk], ["winback:won", "vip"])
    assert tags(contact) == {"vip": "staff"}


@pytest.mark.parametrize("name", ["winback:won", " WinBack:6m "])
def test_operators_are_refused_a_managed_tag(tenant: Tenant, now: datetime, name: str) -> None:
    contact = make_contact(tenant)
    set_managed(tenant.pk, "winback:won", [contact.pk], now=now, source="results")

    with pytest.raises(ManagedTag):
        tag_contact(contact, name, now=now, source="staff")
    with pytest.raises(ManagedTag):
        untag_contact(contact, name, now=now, source="staff")
    assert tags(contact) == {"winback:won": "results"}


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_tag_has_a_name_that_fits(tenant: Tenant, now: datetime, name: str) -> None:
    with pytest.raises(NoTag):
        tag_contact(make_contact(tenant), name, now=now, source="staff")


def test_an_operator_s_tag_makes_the_contact_due_for_the_scan(tenant: Tenant, now: datetime) -> None:
    contact = settled(tenant)

    made = tag_contact(contact, " Do Not Contact", now=now, source="staff", expires_at=now + timedelta(days=9))

    assert made
    tag = ContactTag.objects.for_tenant(tenant).get()
    assert (tag.name, tag.source, tag.added_at, tag.expires_at) == (
        "do not contact",
        "staff",
        now,
        now + timedelta(days=9),
    )
    assert is_due(contact)
    (event,) = Event.objects.for_tenant(tenant).filter(kind="contact.tagged")
    assert (event.contact_id, event.data) == (contact.pk, {"tag": "do not contact", "source": "staff"})


def test_tagging_again_moves_when_the_tag_expires(tenant: Tenant, now: datetime) -> None:
    contact = settled(tenant)
    tag_contact(contact, "dnc", now=now, source="staff", expires_at=now + timedelta(days=9))

    assert not tag_contact(contact, "DNC", now=now, source="someone else")
    tag = ContactTag.objects.for_tenant(tenant).get()
    assert (tag.source, tag.expires_at) == ("staff", None)


def test_taking_an_operator_s_tag_off_makes_the_contact_due(tenant: Tenant, now: datetime) -> None:
    contact = make_contact(tenant)
    tag_contact(contact, "dnc", now=now, source="staff")
    contact.stat.next_scan_at = None
    contact.stat.save()

    assert untag_contact(contact, "DNC", now=now, source="staff")
    assert is_due(contact)
    assert not untag_contact(contact, "dnc", now=now, source="staff")


def test_contacts_of_another_tenant_are_not_tagged(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    ours, theirs = two_tenants
    stranger = make_contact(theirs)
    set_managed(theirs.pk, "winback:6m", [stranger.pk], now=now, source="scan")

    with acting_for(ours.pk):
        assert set_managed(ours.pk, "winback:won", [stranger.pk], now=now, source="results") == 0
        assert clear_managed(ours.pk, [stranger.pk], ["winback:6m"]) == 0

    assert tags(stranger) == {"winback:6m": "scan"}
