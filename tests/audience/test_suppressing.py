"""A suppression is added by anybody, outlives its contact, and is lifted only with a reason."""

from datetime import datetime

import pytest

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.audience.suppressing import NotLifted, lift, suppress
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories


@pytest.fixture
def ann(tenant: Tenant) -> Contact:
    return factories.make_contact(
        tenant,
        email="ann@example.com",
        email_hmac=address_hmac("ann@example.com"),
        phone="+13125550142",
        phone_key="+13125550142",
        phone_hmac=address_hmac("+13125550142"),
    )


@pytest.mark.parametrize(
    ("channel", "addresses"),
    [("email", ["ann@example.com"]), ("sms", ["+13125550142"]), ("all", ["+13125550142", "ann@example.com"])],
)
def test_a_channel_covers_its_addresses(
    tenant: Tenant, ann: Contact, now: datetime, channel: str, addresses: list[str]
) -> None:
    assert suppress(tenant, channel=channel, contact=ann, reason="unsubscribed", source="test", now=now)

    kept = Suppression.objects.for_tenant(tenant)
    assert {row.address_hmac for row in kept} == {address_hmac(address) for address in addresses}
    assert {(row.channel, row.contact_id) for row in kept} == {(channel, ann.pk)}


def test_twice_is_once(tenant: Tenant, ann: Contact, now: datetime) -> None:
    suppress(tenant, channel="email", contact=ann, reason="unsubscribed", source="test", now=now)

    assert not suppress(tenant, channel="email", contact=ann, reason="complained", source="test", now=now)

    assert Suppression.objects.for_tenant(tenant).get().reason == "unsubscribed"
    assert Event.objects.for_tenant(tenant).filter(kind="contact.suppressed").count() == 1


def test_an_address_can_be_suppressed_without_a_contact(tenant: Tenant, now: datetime) -> None:
    digest = address_hmac("nobody@example.com")

    assert suppress(tenant, channel="email", address_hmac=digest, reason="bounced", source="test", now=now)
    assert not suppress(tenant, channel="email", reason="bounced", source="test", now=now)

    assert Suppression.objects.for_tenant(tenant).get().address_hmac == digest


def test_it_is_lifted_with_a_reason_only_and_stays_on_record(tenant: Tenant, ann: Contact, now: datetime) -> None:
    suppress(tenant, channel="email", contact=ann, reason="unsubscribed", source="test", now=now)
    suppression = Suppression.objects.for_tenant(tenant).get()

    with pytest.raises(NotLifted):
        lift(suppression, note="  oops  ", actor="op@example.com", now=now)
    assert lift(suppression, note="She called and asked for it.", actor="op@example.com", now=now)
    assert not lift(suppression, note="She called and asked for it.", actor="op@example.com", now=now)
    suppress(tenant, channel="email", contact=ann, reason="unsubscribed", source="test", now=now)

    lifted, again = Suppression.objects.for_tenant(tenant).order_by("id")
    assert (lifted.lifted_at, lifted.lifted_by) == (now, "op@example.com")
    assert again.lifted_at is None


def test_another_tenants_suppressions_are_its_own(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    ours, theirs = two_tenants
    digest = address_hmac("ann@example.com")
    suppress(theirs, channel="email", address_hmac=digest, reason="bounced", source="test", now=now)

    assert suppress(ours, channel="email", address_hmac=digest, reason="bounced", source="test", now=now)
