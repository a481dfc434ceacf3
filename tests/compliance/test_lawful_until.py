"""Until when somebody may be written to is one rule: what the guard says at a moment is what the date said before."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.consent import record_consent
from campaigns.audience.models import Consent, Contact
from campaigns.compliance.asking import Asking, asking_of_tenant
from campaigns.compliance.guards import FACTS, GUARDS, judged
from catalog.reading import DATA, read_yaml
from catalog.validating import _validator
from tenants.accounts.models import Tenant
from tests import factories

NOW = factories.NOW
ABOUT_TIME = [guard for guard in GUARDS if guard.code in ("consent", "silence")]
ONE = "WITH asked AS (SELECT 1 AS ref, 0 AS place, %(contact)s::bigint AS contact_id, %(channel)s::text AS channel, "
ONE += "%(brand)s::bigint AS brand_id, %(lapsed_from)s::timestamptz AS lapsed_from) "
DATE = f"{ONE} SELECT least(f.permitted_until, f.spoken_until)::text, own.zone FROM ({FACTS}) f, LATERAL ("
DATE += "SELECT timezone AS zone FROM campaigns_contact k WHERE k.tenant_id = %(tenant)s AND k.id = f.contact_id) own"


def at(asking: Asking, now: datetime, contact: Contact, channel: str, last_job: datetime | None) -> dict[str, Any]:
    return replace(asking, now=now).parameters() | {
        "contact": contact.pk, "channel": channel, "lapsed_from": last_job
    }  # fmt: skip


def lawful_until(asking: Asking, contact: Contact, channel: str, last_job: datetime | None, now: datetime = NOW) -> str:
    with connection.cursor() as cursor:
        cursor.execute(DATE, at(asking, now, contact, channel, last_job))
        return str(cursor.fetchone()[0])


def refusal(
    asking: Asking, contact: Contact, channel: str, last_job: datetime | None, now: datetime = NOW
) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"{ONE} SELECT j.refusal FROM ({judged('ask', ABOUT_TIME)}) j",
            at(asking, now, contact, channel, last_job),
        )
        found: str | None = cursor.fetchone()[0]
        return found


def say(contact: Contact, channel: str, state: str, when: datetime, wording: str = "Yes, write to me.") -> None:
    record_consent(contact, channel, state, stated_at=when, source="form", now=when, actor="test", wording=wording)


@pytest.fixture
def canada(tenant: Tenant) -> Contact:
    return factories.make_contact(tenant, country="CA", region="ON", timezone="America/Toronto")


@pytest.fixture
def asking(tenant: Tenant) -> Asking:
    factories.make_activation(tenant)
    return replace(asking_of_tenant(tenant, now=NOW), silence_months=None)


TORONTO = ZoneInfo("America/Toronto")


@pytest.mark.parametrize(
    ("bought", "last"),
    [
        (date(2024, 3, 15), date(2026, 3, 14)),
        (date(2024, 2, 29), date(2026, 2, 27)),  # there is no 29 February 2026: the 28th is already past
        (date(2022, 2, 28), date(2024, 2, 27)),
        (date(2023, 12, 31), date(2025, 12, 30)),
    ],
)
def test_consent_implied_by_a_purchase_ends_after_24_months_in_the_recipients_own_day(
    asking: Asking, canada: Contact, bought: date, last: date
) -> None:
    job = datetime(bought.year, bought.month, bought.day, 23, 30, tzinfo=TORONTO)  # the next day in UTC
    morning = datetime(last.year, last.month, last.day, 0, 0, tzinfo=TORONTO)

    assert lawful_until(asking, canada, "email", job) == last.isoformat()
    assert refusal(asking, canada, "email", job, morning - timedelta(days=1)) is None
    assert refusal(asking, canada, "email", job, morning + timedelta(hours=23, minutes=59)) is None
    assert refusal(asking, canada, "email", job, morning + timedelta(days=1)) == "implied_consent_expired"
    assert refusal(asking, canada, "email", job, morning + timedelta(days=2)) == "implied_consent_expired"


def test_an_inquiry_gives_six_months_and_no_purchase_nothing(asking: Asking, canada: Contact) -> None:
    assert refusal(asking, canada, "email", None) == "no_email_consent"

    say(canada, "email", "inquired", datetime(2026, 8, 31, 15, tzinfo=UTC))

    assert lawful_until(asking, canada, "email", None) == "2027-02-27"
    assert lawful_until(asking, canada, "email", NOW - timedelta(days=30)) == "2028-08-30"


def test_neither_a_purchase_nor_an_inquiry_revives_what_was_withdrawn(asking: Asking, canada: Contact) -> None:
    say(canada, "email", "withdrawn", NOW - timedelta(days=100))
    say(canada, "email", "inquired", NOW - timedelta(days=10))

    assert lawful_until(asking, canada, "email", NOW - timedelta(days=1)) == "-infinity"
    assert refusal(asking, canada, "email", NOW - timedelta(days=1)) == "email_consent_withdrawn"


def test_what_is_said_of_tracking_permits_and_forbids_no_message(asking: Asking, canada: Contact) -> None:
    def of_tracking(state: str) -> None:
        Consent.objects.create(
            tenant_id=canada.tenant_id, contact=canada, channel="email", purpose="tracking", state=state, stated_at=NOW,
            recorded_at=NOW, source="form",
        )  # fmt: skip

    of_tracking("given")
    assert refusal(asking, canada, "email", None) == "no_email_consent"
    say(canada, "email", "given", NOW - timedelta(days=9))
    of_tracking("withdrawn")
    assert refusal(asking, canada, "email", None) is None
    say(canada, "email", "withdrawn", NOW - timedelta(days=8))
    of_tracking("given")
    assert refusal(asking, canada, "email", None) == "email_consent_withdrawn"


def test_express_consent_has_no_end_but_the_modules_silence(asking: Asking, canada: Contact) -> None:
    say(canada, "email", "given", datetime(2015, 1, 1, tzinfo=UTC))
    job = datetime(2020, 5, 5, 15, tzinfo=UTC)

    assert lawful_until(asking, canada, "email", job) == "infinity"
    assert lawful_until(replace(asking, silence_months=24), canada, "email", job) == "2022-05-04"
    assert refusal(replace(asking, silence_months=24), canada, "email", job) == "silent_too_long"


def test_a_soft_opt_in_needs_that_refusal_was_offered(asking: Asking, tenant: Tenant) -> None:
    anna = factories.make_contact(tenant, country="DE", timezone="Europe/Berlin")
    job = datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert refusal(asking, anna, "email", job) == "no_email_consent"

    say(anna, "email", "soft_opt_in", job)

    assert lawful_until(asking, anna, "email", job) == "2028-05-31"
    assert refusal(asking, anna, "sms", job) == "no_sms_consent"


def test_a_business_relationship_allows_calls_for_18_months_and_never_a_text(asking: Asking, tenant: Tenant) -> None:
    ann = factories.make_contact(tenant)
    job = datetime(2026, 1, 15, 18, tzinfo=UTC)

    assert lawful_until(asking, ann, "call", job) == "2027-07-14"
    assert refusal(asking, ann, "sms", job) == "no_sms_consent"
    assert lawful_until(asking, ann, "email", job) == "infinity"


def test_a_zone_that_the_database_does_not_know_is_the_businesss(asking: Asking, tenant: Tenant) -> None:
    ann = factories.make_contact(tenant, country="CA", timezone="Mars/Olympus")

    assert lawful_until(asking, ann, "email", datetime(2024, 3, 16, 1, tzinfo=UTC)) == "2026-03-14"


facts = st.fixed_dictionaries(
    {
        "country": st.sampled_from(["US", "CA", "DE", "GB", "BR"]),
        "zone": st.sampled_from(["America/Toronto", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Honolulu", ""]),
        "channel": st.sampled_from(["email", "sms", "call"]),
        "ago": st.one_of(st.none(), st.integers(0, 60 * 24 * 1200)),
        "silence": st.sampled_from([None, 12, 24]),
        "said": st.lists(
            st.tuples(
                st.sampled_from(["given", "withdrawn", "soft_opt_in", "inquired"]),
                st.integers(1, 900),
                st.sampled_from(["", "Yes."]),
            ),
            max_size=3,
        ),
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts, st.integers(0, 900), st.integers(-90_000, 90_000))
def test_the_guard_allows_exactly_until_the_date(
    tenant: Tenant, asking: Asking, facts: dict[str, Any], days: int, seconds: int
) -> None:
    contact = factories.make_contact(tenant, country=facts["country"], timezone=facts["zone"])
    asked = replace(asking, silence_months=facts["silence"])
    job = None if facts["ago"] is None else NOW - timedelta(minutes=facts["ago"])
    for state, ago, wording in facts["said"]:
        say(contact, facts["channel"], state, NOW - timedelta(days=ago), wording)

    until = lawful_until(asked, contact, facts["channel"], job)

    zone = ZoneInfo(facts["zone"] or tenant.timezone)
    moments = [NOW, NOW + timedelta(days=days)]
    if "infinity" not in until:
        last = date.fromisoformat(until)
        ends = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)
        moments += [ends + timedelta(seconds=seconds), ends - timedelta(seconds=1), ends]
    for moment in (each for each in moments if each >= NOW):
        day = moment.astimezone(zone).date()
        allowed = until == "infinity" or (until != "-infinity" and day <= date.fromisoformat(until))
        assert (refusal(asked, contact, facts["channel"], job, moment) is None) == allowed, (until, moment)


def test_what_a_person_said_cannot_be_changed_or_deleted(tenant: Tenant, canada: Contact) -> None:
    say(canada, "email", "given", NOW)

    rows = Consent.objects.for_tenant(tenant)
    for change in (partial(rows.update, wording="Everything"), rows.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_every_rule_is_dated_and_has_a_source() -> None:
    rules = read_yaml(DATA / "consent_rules.yaml", DATA)

    assert [error.message for rule in rules for error in _validator("consent_rules").iter_errors(rule)] == []
    assert all(rule["valid_from"] and rule["source"] for rule in rules)
