"""The busiest day of a sending domain is kept, and never falls."""

from datetime import timedelta

from campaigns.delivery.volume import note_busiest_day
from campaigns.planning.models import Message
from tenants.accounts.models import Brand, Tenant
from tenants.connections import domains
from tenants.connections.models import SendingDomain
from tests.delivery.making import make_due, make_sender
from tests.factories import NOW


def test_the_busiest_day_counts_in_the_tenants_zone_and_never_falls(tenant: Tenant) -> None:
    Brand.objects.for_tenant(tenant).update(sender_email="Hello@Oak.example.com")
    row = domains.ensure(tenant, "oak.example.com", now=NOW)
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(3)]
    for message, hours in zip(messages, (0, 1, 30), strict=True):
        Message.objects.filter(pk=message.pk).update(handed_over_at=NOW - timedelta(hours=hours))

    note_busiest_day(tenant, now=NOW)
    assert SendingDomain.objects.get(pk=row.pk).busiest_day == 2

    assert note_busiest_day(tenant, now=NOW + timedelta(days=9)) == 0
    assert SendingDomain.objects.get(pk=row.pk).busiest_day == 2
