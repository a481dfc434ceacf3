"""The runway: how many people the law lets go of in 30, 60 and 90 days."""

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from campaigns.audience.addresses import address_hmac
from campaigns.audience.consent import record_consent
from campaigns.audience.models import Contact, ContactStat
from campaigns.audience.suppressing import suppress
from campaigns.compliance import runway
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

    [line] = [line for line in runway.runway(business, now=NOW) if line.channel == "email"]

    assert (line.reason, line.rule) == ("implied_consent_expired", "email-ca")
    assert line.within == {30: 2, 60: 3, 90: 4}
    assert names(runway.people(business, now=NOW, channel="email")) == [
        ("today", 1), ("month", 30), ("later", 31), ("last", 90)
    ]  # fmt: skip
    first = runway.people(business, now=NOW, channel="email", most=2)
    assert names(runway.people(business, now=NOW, channel="email", after=first[-1].cursor)) == [
        ("later", 31), ("last", 90)
    ]  # fmt: skip


def test_the_runway_shows_what_the_modules_silence_ends(tenant: Tenant) -> None:
    factories.make_activation(tenant)
    lapsed(tenant, 10, country="US", external_id="us", phone_key="+13125550142")

    lines = {(line.channel, line.reason): line.within for line in runway.runway(tenant, now=NOW)}

    assert lines == {("email", "silent_too_long"): {30: 1, 60: 1, 90: 1}}


def test_another_businesss_people_are_not_on_the_runway(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    for each in two_tenants:
        factories.make_activation(each)
    lapsed(theirs, 10)

    assert runway.runway(ours, now=NOW) == []
    assert len(runway.people(theirs, now=NOW)) == 1


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
