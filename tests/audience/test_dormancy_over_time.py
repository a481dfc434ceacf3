"""Months of business with everything that can happen to a contact, scanned as it goes along.

Each day the database is compared with a model that judges every contact anew by the oracle, and a full scan must change
nothing: so an ordinary scan, which looks only at who is due, misses nobody.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from campaigns.audience import dormancy, tagging
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Contact, ContactStat, ContactTag, Job
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests.audience.histories import add_job, change_contact, change_job, close_by_business, customer
from tests.factories import make_activation
from tests.oracle.dormancy import judge
from tests.oracle.history import JobRow

ZONE = ZoneInfo("America/Chicago")
START = datetime(2026, 1, 31, 18, tzinfo=UTC)
CONTACTS = 30
DAYS = 25

Episode = dict[str, Any]


class World:
    """The contacts of one tenant, changed at random, and what should have become of each."""

    def __init__(self, tenant: Tenant, seed: int) -> None:
        self.tenant = tenant
        self.random = random.Random(seed)
        self.now = START
        self.contacts = [
            customer(tenant, *(self.long_ago() for _ in range(self.random.randint(0, 3)))) for _ in range(CONTACTS)
        ]
        self.episodes: dict[tuple[int, datetime], Episode] = {}
        self.reasons: dict[int, str] = {}

    def long_ago(self) -> datetime:
        return self.now - timedelta(days=self.random.randint(1, 760), minutes=self.random.randint(0, 1440))

    def live_a_while(self) -> None:
        """Some time passes, in which a few things happen."""
        self.now += timedelta(days=self.random.choice([0, 1, 1, 7, 30, 61]), hours=self.random.randint(0, 23))
        for _ in range(self.random.randint(0, 6)):
            self.random.choice(self.happenings())(self.random.choice(self.contacts))

    def happenings(self) -> list[Callable[[Contact], object]]:
        return [
            lambda contact: add_job(contact, self.now - timedelta(minutes=self.random.randint(0, 600))),
            lambda contact: add_job(contact, self.long_ago()),
            lambda contact: add_job(contact, self.now + timedelta(days=self.random.randint(1, 90))),
            lambda contact: add_job(
                contact, self.now + timedelta(days=self.random.randint(-5, 40)), status=Job.Status.SCHEDULED
            ),
            self.change_a_job,
            self.change_a_job,
            lambda contact: tagging.tag_contact(
                contact,
                self.random.choice(["dnc", "lawsuit", "vip"]),
                now=self.now + timedelta(days=self.random.choice([0, 0, 20])),
                source="staff",
                expires_at=self.random.choice([None, self.now + timedelta(days=self.random.randint(21, 60))]),
            ),
            lambda contact: tagging.untag_contact(contact, "dnc", now=self.now, source="staff"),
            lambda contact: change_contact(
                contact, state=self.random.choice(["active", "active", "active", "erased", "merged"])
            ),
        ]

    def change_a_job(self, contact: Contact) -> None:
        jobs = list(Job.objects.for_tenant(self.tenant).filter(contact=contact).order_by("id"))
        if jobs:
            change_job(self.random.choice(jobs), status=self.random.choice(Job.Status.values))

    def expect(self) -> None:
        """The model: what a scan of everything should make of each contact now."""
        jobs: dict[int, list[JobRow]] = defaultdict(list)
        for job in Job.objects.for_tenant(self.tenant):
            jobs[job.contact_id].append(JobRow(job.external_id, "", job.completed_at, Decimal(0), job.status))
        tags: dict[int, list[str]] = defaultdict(list)
        for tag in ContactTag.objects.for_tenant(self.tenant):
            assert tag.added_at is not None
            if tag.added_at <= self.now and (tag.expires_at is None or tag.expires_at > self.now):
                tags[tag.contact_id].append(tag.name)
        for contact in self.contacts:
            self.reasons[contact.pk] = self.expect_of(contact, jobs[contact.pk], tags[contact.pk])

    def expect_of(self, contact: Contact, jobs: list[JobRow], tags: list[str]) -> str:
        verdict = judge(
            jobs, tags, as_of=self.now, zone=ZONE, do_not_contact_tags=("DNC", "Lawsuit"), open_given_up=True
        )
        own = [episode for (owner, _), episode in self.episodes.items() if owner == contact.pk]
        for episode in (each for each in own if each["state"] == "open"):
            if contact.state != "active":
                self.close(episode, contact.state)
            elif verdict.last_job_at is not None and verdict.last_job_at >= episode["opened_at"]:
                return ""
            elif verdict.last_job_at != episode["lapsed_from"]:
                self.close(episode, "corrected")
            else:
                if (verdict.cohort or 0) > episode["cohort"]:
                    episode |= {"cohort": verdict.cohort, "cohort_at": verdict.cohort_at}
                if verdict.given_up:
                    self.close(episode, "given_up")
                return (*verdict.reasons, "given_up")[0] if verdict.given_up else ""
        if contact.state != "active" or verdict.reasons:
            return contact.state if contact.state != "active" else verdict.reasons[0]
        assert verdict.last_job_at is not None
        known = self.episodes.get((contact.pk, verdict.last_job_at))
        if known is not None and verdict.given_up:
            return "given_up"
        episode = known or {"lapsed_from": verdict.last_job_at, "opened_at": self.now}
        episode |= {"state": "open", "closed_by": "", "cohort": verdict.cohort, "cohort_at": verdict.cohort_at}
        self.episodes[contact.pk, verdict.last_job_at] = episode
        if verdict.given_up:
            self.close(episode, "given_up")
        return "given_up" if verdict.given_up else ""

    def close(self, episode: Episode, closed_by: str) -> None:
        episode |= {"state": "closed", "closed_by": closed_by}

    def attribute(self) -> None:
        close_by_business(self.tenant, now=self.now)
        jobs = Job.objects.for_tenant(self.tenant).filter(status="completed", completed_at__lte=self.now)
        for owner, completed_at in jobs.values_list("contact_id", "completed_at"):
            for (contact_id, _), episode in self.episodes.items():
                if contact_id == owner and episode["state"] == "open" and completed_at >= episode["opened_at"]:
                    self.close(episode, "business")

    def found(self) -> dict[tuple[int, datetime], Episode]:
        return {
            (row.contact_id, row.lapsed_from): {
                "lapsed_from": row.lapsed_from,
                "opened_at": row.opened_at,
                "state": row.state,
                "closed_by": row.closed_by,
                "cohort": row.cohort_months,
                "cohort_at": row.cohort_at,
            }
            for row in DormancyEpisode.objects.for_tenant(self.tenant)
        }


def everything(tenant: Tenant) -> dict[str, list[Any]]:
    """Every row that a scan writes."""
    tables = ("dormancyepisode", "contactstat", "contacttag", "assignment")
    found = {}
    with connection.cursor() as cursor:
        for table in (*(f"campaigns_{table}" for table in tables), "tenants_event", "tenants_checkpoint"):
            cursor.execute(f"SELECT * FROM {table} WHERE tenant_id = %s ORDER BY 1, 2", [tenant.pk])
            found[table] = cursor.fetchall()
    return found


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_an_ordinary_scan_finds_all_that_a_full_one_would(tenant: Tenant, seed: int) -> None:
    make_activation(tenant, settings={"do_not_contact_tags": ["DNC", "Lawsuit"]})
    world = World(tenant, seed)
    for _ in range(DAYS):
        world.live_a_while()
        world.expect()

        dormancy.scan(now=world.now, tenant=tenant)

        assert world.found() == world.episodes
        stored = dict(ContactStat.objects.for_tenant(tenant).values_list("contact_id", "not_open_reason"))
        assert stored == world.reasons
        kept = everything(tenant)
        full = dormancy.scan(now=world.now, tenant=tenant, full=True)[tenant.pk]
        assert (full.opened, full.moved, full.closed, sum(full.excluded.values())) == (0, 0, 0, CONTACTS)
        assert everything(tenant) == kept
        world.attribute()

    happened = {event.kind for event in Event.objects.for_tenant(tenant)}
    assert happened >= {"customer.dormant", "episode.closed", "episode.moved"}
    assert Event.objects.for_tenant(tenant).filter(kind="customer.dormant").count() == len(world.episodes)


@pytest.mark.parametrize("seed", [1, 2])
def test_tags_and_arms_follow_the_open_lapses(tenant: Tenant, seed: int) -> None:
    make_activation(tenant)
    world = World(tenant, seed)
    for _ in range(10):
        world.live_a_while()

        dormancy.scan(now=world.now, tenant=tenant)

        lapses = DormancyEpisode.objects.for_tenant(tenant).filter(state="open")
        managed = ContactTag.objects.for_tenant(tenant).filter(name__startswith="winback:")
        assert sorted(managed.values_list("contact_id", "name")) == sorted(
            (lapse.contact_id, f"winback:{lapse.cohort_months}m") for lapse in lapses
        )
        assert not lapses.exclude(contact_id__in=_assigned(tenant)).exists()


def _assigned(tenant: Tenant) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT contact_id FROM campaigns_assignment WHERE tenant_id = %s", [tenant.pk])
        return [contact_id for (contact_id,) in cursor.fetchall()]
