"""An old list begins small with each mailbox provider, and grows with what went well."""

from datetime import timedelta

import pytest
from django.db import connection

from campaigns.compliance import ramp
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.factories import NOW

DAY = timedelta(days=1)


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    return factories.make_campaign(tenant)


def left(campaign: Campaign, domain: str, by_day: dict[int, int]) -> None:
    """So many messages to a domain, by days ago."""
    person = factories.make_contact(campaign.tenant, email=f"one@{domain}")
    first = factories.make_message(factories.make_enrolment(factories.make_episode(person), campaign), state="planned")
    rows: list[Message] = []
    for ago, number in by_day.items():
        for each in range(number):
            row = Message.objects.for_tenant(campaign.tenant_id).get(pk=first.pk) if not rows else rows[0]
            values = {field.attname: getattr(row, field.attname) for field in Message._meta.concrete_fields}
            values |= {
                "id": None,
                "step_code": f"s{ago}-{each}",
                "state": "delivered",
                "handed_over_at": NOW - ago * DAY,
            }
            rows.append(Message(**values))
    Message.objects.bulk_create(rows)


def caps(tenant: Tenant) -> dict[str, tuple[int, int]]:
    """By domain: what left today, and how much may."""
    with connection.cursor() as cursor:
        cursor.execute(
            ramp.DOMAIN_CAPS,
            {"tenant": tenant.pk, "zone": tenant.timezone, "now": NOW, "today": NOW.astimezone(tenant.zone).date()},
        )
        return {domain: (today, cap) for domain, today, cap in cursor.fetchall()}


def test_a_domain_begins_with_two_hundred_and_doubles_with_each_day_that_used_its_cap(
    tenant: Tenant, campaign: Campaign
) -> None:
    left(campaign, "new.example.com", {0: 150})
    left(campaign, "grown.example.com", {3: 200, 2: 300, 1: 500, 0: 7})
    left(campaign, "quiet.example.com", {9: 20, 5: 30})

    assert caps(tenant) == {
        "new.example.com": (150, 200),
        "grown.example.com": (7, 1600),
        "quiet.example.com": (0, 200),
    }


def test_another_tenants_mail_teaches_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    left(factories.make_campaign(theirs), "gmail.example.com", {2: 200, 1: 400})

    assert caps(ours) == {}
