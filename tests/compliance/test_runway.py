"""The runway: how many people the law lets go of in 30, 60 and 90 days."""

import json
import random
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection

from campaigns.audience.addresses import address_hmac
from campaigns.audience.consent import record_consent
from campaigns.audience.models import Contact, ContactStat, ContactTag
from campaigns.audience.suppressing import suppress
from campaigns.compliance import runway
from campaigns.compliance.asking import asking_of_tenant
from campaigns.compliance.guards import FACTS
from campaigns.compliance.runway import Person
from tenants.accounts.models import Tenant
from tests import factories

NOW = factories.NOW
TORONTO = ZoneInfo("America/Toronto")


def say(contact: Contact, channel: str, state: str, when: datetime, wording: str = "Yes, write to me.") -> None:
    record_consent(contact, channel, state, stated_at=when, source="form", now=when, actor="test", wording=wording)


def lapsed(tenant: Tenant, days_left: int, **fields: Any) -> Contact:
    """A Canadian whose implied consent has so many days left, today included."""
    fields = {"country": "CA", "region": "ON", "timezone": "America/Toronto", **fields}
    if email := fields.get("email"):
        fields["email_hmac"] = address_hmac(email)
    contact = factories.make_contact(tenant, **fields)
    last = NOW.astimezone(TORONTO) + timedelta(days=days_left)
    job = last.replace(year=last.year - 2)
    ContactStat.objects.for_tenant(tenant).filter(contact=contact).update(last_job_at=job)
    return contact


@pytest.fixture
def business(tenant: Tenant) -> Tenant:
    factories.make_activation(tenant, settings={"marketing_after_months_of_silence": 36})
    return tenant


def names(found: list[Person]) -> list[tuple[str, int]]:
    return [(person.external_id, person.days_left) for person in found]


def test_the_runway_counts_who_is_lost_in_30_60_and_90_days(business: Tenant) -> None:
    for days, name in ((1, "today"), (30, "month"), (31, "later"), (90, "last"), (91, "beyond"), (0, "gone")):
        lapsed(business, days, external_id=name)
    said_yes, no_more = lapsed(business, 5), lapsed(business, 5, email="no@example.com")
    lapsed(business, 5, state="erased")
    say(said_yes, "email", "given", NOW - timedelta(days=1))
    suppress(business, channel="all", contact=no_more, reason="unsubscribed", source="test", now=NOW)

    [line] = [line for line in runway.look(business, now=NOW).lines if line.channel == "email"]

    assert (line.reason, line.rule) == ("implied_consent_expired", "email-ca")
    assert line.within == {30: 2, 60: 3, 90: 4}
    assert names(runway.look(business, now=NOW, channel="email").people) == [
        ("today", 1), ("month", 30), ("later", 31), ("last", 90)
    ]  # fmt: skip
    first = runway.look(business, now=NOW, channel="email", most=2).people
    assert names(runway.look(business, now=NOW, channel="email", after=first[-1].cursor).people) == [
        ("later", 31), ("last", 90)
    ]  # fmt: skip


def test_the_runway_shows_what_the_modules_silence_ends(tenant: Tenant) -> None:
    factories.make_activation(tenant)
    lapsed(tenant, 10, country="US", external_id="us", phone_key="+13125550142")

    lines = {(line.channel, line.reason): line.within for line in runway.look(tenant, now=NOW).lines}

    assert lines == {("email", "silent_too_long"): {30: 1, 60: 1, 90: 1}}


def test_another_businesss_people_are_not_on_the_runway(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    for each in two_tenants:
        factories.make_activation(each)
    lapsed(theirs, 10)

    assert runway.look(ours, now=NOW).lines == []
    assert len(runway.look(theirs, now=NOW).people) == 1


def test_the_command_says_the_same(business: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    lapsed(business, 45)

    call_command("consent_runway", tenant=business.slug, json=True, as_of=NOW.isoformat())
    told = json.loads(capsys.readouterr().out)
    call_command("consent_runway", tenant=business.slug, as_of=NOW.isoformat())

    assert told["total"] == {"30": 0, "60": 1, "90": 1}
    assert told["by"] == [
        {
            "channel": "email", "reason": "implied_consent_expired", "rule": "email-ca",
            "within_30": 0, "within_60": 1, "within_90": 1,
        }
    ]  # fmt: skip
    assert "email: email-ca" in capsys.readouterr().out


EVERYBODY = f"""
WITH asked AS (
    SELECT k.id AS ref, 0 AS place, k.id AS contact_id, way.channel, %(brand)s::bigint AS brand_id,
           s.last_job_at AS lapsed_from
      FROM campaigns_contact k
      JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = k.id
     CROSS JOIN unnest(ARRAY['email', 'sms', 'call']) AS way(channel)
     WHERE k.tenant_id = %(tenant)s
)
SELECT f.contact_id, f.channel, least(f.permitted_until, f.spoken_until)
  FROM ({FACTS}) f
 WHERE f.contact_state = 'active' AND f.has_address AND f.forbidding_tag IS NULL AND f.suppressed_by IS NULL
   AND least(f.permitted_until, f.spoken_until) BETWEEN f.local_day AND f.local_day + 89
"""


def test_the_runway_is_what_the_guards_facts_say_of_everybody(tenant: Tenant) -> None:
    """It asks few people few of the facts; asking everybody all of them names the same."""
    chance = random.Random(20260701)
    factories.make_activation(tenant, settings={"marketing_after_months_of_silence": 36})
    for n in range(160):
        contact = anybody(tenant, chance, n)
        for channel in ("email", "sms", "call"):
            if chance.random() < 0.4:
                state = chance.choice(["inquired", "soft_opt_in", "given", "withdrawn"])
                days = chance.choice([3, 40, 85, 91, 120, 175]) + chance.randint(-3, 8)
                say(contact, channel, state, NOW - timedelta(days=days))

    asking = asking_of_tenant(tenant, now=NOW)
    with connection.cursor() as cursor:
        cursor.execute(EVERYBODY, asking.parameters())
        expected = set(cursor.fetchall())
    found = runway.look(tenant, now=NOW, most=1_000)

    assert {(person.contact_id, person.channel, person.lawful_until) for person in found.people} == expected
    assert sum(line.within[90] for line in found.lines) == len(expected) > 25


def anybody(tenant: Tenant, chance: random.Random, number: int) -> Contact:
    country, zone = chance.choice(
        [("CA", "America/Toronto"), ("US", "Pacific/Honolulu"), ("DE", "Europe/Berlin"), ("NZ", "Pacific/Auckland")]
    )
    email = f"{number}@example.com" if chance.random() < 0.8 else ""
    phone = f"+1312555{number:04}" if chance.random() < 0.6 else None
    contact = factories.make_contact(
        tenant, country=country, timezone=zone, external_id=f"{number}", email=email, email_key=email or None,
        email_hmac=address_hmac(email) if email else None, phone_key=phone,
        phone_hmac=address_hmac(phone) if phone else None, state=chance.choice(["active"] * 9 + ["erased"]),
    )  # fmt: skip
    months, days = chance.choice([18, 24, 36]), chance.randint(-4, 96)
    last = NOW - timedelta(days=round(months * 30.44) - days, hours=chance.randint(0, 23))
    ContactStat.objects.for_tenant(tenant).filter(contact=contact).update(last_job_at=last)
    if chance.random() < 0.1:
        ContactTag.objects.create(tenant=tenant, contact=contact, name="dnc", added_at=NOW)
    if chance.random() < 0.1:
        suppress(tenant, channel=chance.choice(["email", "all"]), contact=contact, reason="unsubscribed", source="test",
                 now=NOW)  # fmt: skip
    return contact
