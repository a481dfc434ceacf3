"""Two rows that are one person become one, and nothing is lost to the person's disadvantage."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from campaigns.audience import stats
from campaigns.audience.addresses import address_hmac
from campaigns.audience.consent import record_consent
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.merging import CannotMerge, merge
from campaigns.audience.models import Contact, ContactStat, ContactTag, Suppression
from campaigns.audience.suppressing import suppress
from tenants.accounts.models import Tenant
from tenants.journal.audit import verify
from tenants.journal.models import AuditEntry, Event
from tests import factories

DAY = timedelta(days=1)


def person(tenant: Tenant, email: str, **fields: Any) -> Contact:
    return factories.make_contact(
        tenant, email=email, email_key=email or None, email_hmac=address_hmac(email) if email else None, **fields
    )


@pytest.fixture
def loser(tenant: Tenant) -> Contact:
    return person(tenant, "ann@old.example.com", phone="+13125550142", phone_key="+13125550142", company="Ruiz Ltd")


@pytest.fixture
def winner(tenant: Tenant) -> Contact:
    return person(tenant, "ann@example.com", first_name="Anna")


def join(loser: Contact, winner: Contact, now: datetime = factories.NOW) -> Any:
    done = merge(loser, winner, now=now, actor="op@example.com")
    loser.refresh_from_db()
    winner.refresh_from_db()
    return done


def test_jobs_go_over_and_both_are_summed_up_and_looked_at_again(
    tenant: Tenant, loser: Contact, winner: Contact, now: datetime
) -> None:
    factories.make_job(loser, now - 300 * DAY)
    factories.make_job(winner, now - 200 * DAY)
    with connection.cursor() as cursor:
        stats.recompute_all(cursor, tenant.pk)
    ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)

    done = join(loser, winner)

    assert done.jobs == 1
    assert (loser.state, loser.merged_into_id, winner.state) == ("merged", winner.pk, "active")
    assert (winner.stat.job_count, winner.stat.first_job_at) == (2, now - 300 * DAY)
    assert loser.stat.job_count == 0
    assert loser.stat.next_scan_at == winner.stat.next_scan_at == stats.DIRTY


def test_what_the_winner_lacks_is_taken_over_and_what_it_has_stays(loser: Contact, winner: Contact) -> None:
    join(loser, winner)

    assert (winner.email, winner.phone_key, winner.company) == ("ann@example.com", "+13125550142", "Ruiz Ltd")
    assert winner.first_name == "Anna"


def test_what_forbids_is_handed_on(tenant: Tenant, loser: Contact, winner: Contact, now: datetime) -> None:
    suppress(tenant, channel="email", contact=loser, reason="unsubscribed", source="test", now=now)
    ContactTag.objects.create(tenant=tenant, contact=loser, name="do-not-contact", source="test")
    ContactTag.objects.create(tenant=tenant, contact=loser, name="winback:6m", source="scan")

    assert join(loser, winner).tags == 1

    assert Suppression.objects.for_tenant(tenant).filter(address_hmac=winner.email_hmac, lifted_at=None).exists()
    assert list(winner.tags.values_list("name", flat=True)) == ["do-not-contact"]
    assert not loser.tags.exists()


def test_a_dead_address_says_nothing_about_the_other_one(
    tenant: Tenant, loser: Contact, winner: Contact, now: datetime
) -> None:
    suppress(tenant, channel="email", contact=loser, reason="bounced", source="test", now=now)

    join(loser, winner)

    assert not Suppression.objects.for_tenant(tenant).filter(address_hmac=winner.email_hmac).exists()


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (("withdrawn", None), None, "withdrawn"),
        (("withdrawn", None), ("given", None), "withdrawn"),
        (("withdrawn", 10), ("given", 20), "withdrawn"),
        (("withdrawn", 20), ("given", 10), "given"),  # said yes after it had said no
        (("given", 10), ("withdrawn", 20), "withdrawn"),
        (("given", 10), None, None),  # a yes for another address
    ],
)
def test_a_no_of_either_is_a_no_of_both(
    loser: Contact,
    winner: Contact,
    now: datetime,
    theirs: tuple[str, int | None],
    ours: tuple[str, int | None] | None,
    expected: str | None,
) -> None:
    for contact, said in ((loser, theirs), (winner, ours)):
        if said:
            at = now - said[1] * DAY if said[1] else None
            record_consent(contact, "email", said[0], stated_at=at, source="test", now=now, actor="test")

    join(loser, winner, now + DAY)

    latest = winner.consents.filter(channel="email").order_by("-id").first()
    assert (latest.state if latest else None) == expected


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("withdrawn", None, "withdrawn"),
        ("withdrawn", "given", "withdrawn"),  # whenever they were said
        ("given", "withdrawn", "withdrawn"),
        ("given", None, None),  # a yes for another address
        (None, "withdrawn", "withdrawn"),
        (None, "given", "given"),
    ],
)
def test_whoever_would_not_be_followed_under_one_name_is_not_under_the_other(
    loser: Contact, winner: Contact, now: datetime, theirs: str | None, ours: str | None, expected: str | None
) -> None:
    for contact, said, days in ((loser, theirs, 20), (winner, ours, 10)):
        if said:
            record_consent(
                contact, "email", said, purpose="tracking", stated_at=now - days * DAY, source="form", now=now,
                actor="test",
            )  # fmt: skip

    join(loser, winner)

    latest = winner.consents.filter(purpose="tracking").order_by("-id").first()
    assert (latest.state if latest else None) == expected
    assert not winner.consents.filter(purpose="marketing").exists()


def test_a_yes_goes_with_the_number_that_it_was_said_for(loser: Contact, winner: Contact, now: datetime) -> None:
    record_consent(loser, "sms", "given", stated_at=now, source="form", now=now, actor="test", wording="I agree")

    join(loser, winner)

    kept = winner.consents.get(channel="sms")
    assert (kept.state, kept.wording, kept.evidence["merged_from"]) == ("given", "I agree", loser.pk)


@pytest.mark.parametrize("same_address", [True, False])
def test_a_soft_opt_in_and_an_inquiry_go_with_the_address_that_they_are_about(
    loser: Contact, winner: Contact, now: datetime, same_address: bool
) -> None:
    if same_address:
        Contact.objects.filter(pk=winner.pk).update(email="", email_key=None, email_hmac=None)
        winner.refresh_from_db()
    for state in ("soft_opt_in", "inquired"):
        record_consent(loser, "email", state, stated_at=now, source="form", now=now, actor="test")
    record_consent(winner, "email", "inquired", stated_at=now, source="form", now=now, actor="test")

    join(loser, winner)

    kept = list(winner.consents.order_by("id").values_list("state", flat=True))
    assert kept == (["inquired", "soft_opt_in"] if same_address else ["inquired"])


def test_the_losers_lapse_is_closed_and_the_winners_is_not(tenant: Tenant, loser: Contact, winner: Contact) -> None:
    closed, open_ = factories.make_episode(loser), factories.make_episode(winner)

    assert join(loser, winner).episodes_closed == 1

    closed.refresh_from_db()
    open_.refresh_from_db()
    assert (closed.state, closed.closed_by, closed.closed_at) == ("closed", "merged", factories.NOW)
    assert open_.state == DormancyEpisode.State.OPEN
    assert Event.objects.for_tenant(tenant).get(kind="episode.closed").data["by"] == "merged"


@pytest.mark.parametrize(
    ("theirs", "ours", "flagged", "arm"),
    [
        ("treated", "treated", False, "treated"),
        ("treated", "held_out", True, "held_out"),
        ("held_out", None, False, "held_out"),
        (None, "treated", False, "treated"),
        (None, None, False, None),
    ],
)
def test_the_arm_is_drawn_once_and_a_merge_across_arms_is_flagged(
    tenant: Tenant,
    loser: Contact,
    winner: Contact,
    theirs: str | None,
    ours: str | None,
    flagged: bool,
    arm: str | None,
) -> None:
    for contact, drawn in ((loser, theirs), (winner, ours)):
        if drawn:
            Assignment.objects.create(
                tenant=tenant, contact=contact, household_key="h", share=2_000, arm=drawn, drawn_at=factories.NOW
            )

    done = join(loser, winner)

    rows = Assignment.objects.for_tenant(tenant)
    assert done.across_arms is flagged
    assert {row.merged_across_arms for row in rows} <= {flagged}
    assert [row.arm for row in rows.filter(contact=winner)] == ([arm] if arm else [])


def test_those_merged_into_the_loser_before_follow(tenant: Tenant, loser: Contact, winner: Contact) -> None:
    earlier = person(tenant, "")
    join(earlier, loser)

    join(loser, winner)

    earlier.refresh_from_db()
    assert earlier.merged_into_id == winner.pk


def test_a_merge_is_on_record(tenant: Tenant, loser: Contact, winner: Contact) -> None:
    join(loser, winner)

    assert Event.objects.for_tenant(tenant).get(kind="contact.merged").contact_id == winner.pk
    entry = AuditEntry.objects.for_tenant(tenant).get(action="contact.merged")
    assert (entry.actor, entry.data["loser"]) == ("op@example.com", loser.pk)
    assert verify(tenant) == []


def test_what_cannot_be_merged(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    one, other, stranger = person(ours, "a@example.com"), person(ours, "b@example.com"), person(theirs, "c@example.com")
    merge(other, one, now=factories.NOW, actor="test")

    for loser, winner in ((one, one), (stranger, one), (one, stranger), (other, one), (one, other)):
        with pytest.raises(CannotMerge):
            merge(loser, winner, now=factories.NOW, actor="test")
    stranger.refresh_from_db()
    assert stranger.state == Contact.State.ACTIVE
