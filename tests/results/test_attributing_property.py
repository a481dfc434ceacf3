"""Attribution against the oracle, while jobs are added, dated back, refunded, moved and time goes on (or back)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.models import Contact, Job
from campaigns.planning.models import Campaign
from campaigns.results.attributing import attribute
from campaigns.results.models import Reactivation
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_campaign, make_contact, make_enrolment, make_episode, make_job, make_tenant
from tests.oracle.attribution import AssignmentRow, returns
from tests.oracle.history import JobRow
from winback.money import money
from winback.tenancy import acting_for, acting_for_all

WINDOW = 30
CONTACTS = 3
quarter_days = st.integers(-20, 200)


@dataclass(frozen=True)
class Change:
    """One job as it stands from now on."""

    number: int
    contact: int
    quarter: int
    amount: int
    status: str


@dataclass(frozen=True)
class Step:
    """What is written before a run, and when the run takes place."""

    changes: list[Change]
    quarter: int


changes = st.builds(
    Change,
    number=st.integers(1, 8),
    contact=st.integers(0, CONTACTS - 1),
    quarter=quarter_days,
    amount=st.integers(0, 50_000),
    status=st.sampled_from(["completed", "completed", "completed", "refunded", "cancelled", "scheduled"]),
)
steps = st.lists(st.builds(Step, st.lists(changes, max_size=5), quarter_days), min_size=1, max_size=6)
enrolments = st.lists(
    st.tuples(st.integers(0, CONTACTS - 1), st.integers(-10, 150), st.sampled_from(["treated", "held_out"])),
    min_size=1,
    max_size=6,
)


def moment(quarter: int) -> datetime:
    return NOW + timedelta(hours=6 * quarter)


def write(change: Change, people: Sequence[Contact]) -> None:
    values: dict[str, Any] = {
        "contact": people[change.contact],
        "completed_at": moment(change.quarter),
        "amount_minor": change.amount,
        "status": change.status,
        "updated_at": timezone.now(),
    }
    jobs = Job.objects.for_tenant(people[0].tenant_id).filter(external_id=f"job-{change.number}")
    if not jobs.update(**values):
        make_job(values.pop("contact"), values.pop("completed_at"), external_id=f"job-{change.number}", **values)


def recorded(tenant: Tenant, as_of: datetime) -> set[tuple[int, str, Decimal, str]]:
    rows = Reactivation.objects.for_tenant(tenant).filter(reactivated_at__lte=as_of).select_related("job")
    return {(row.enrolment_id, row.job.external_id, Decimal(money(row.amount_minor, "USD")), row.arm) for row in rows}


@pytest.mark.django_db
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(enrolled=enrolments, runs=steps)
def test_every_run_leaves_what_the_oracle_finds_and_a_full_one_nothing_to_add(
    enrolled: list[tuple[int, int, str]], runs: list[Step]
) -> None:
    with acting_for_all("a tenant for each example"):
        tenant = make_tenant()
    with acting_for(tenant.pk):
        people = [make_contact(tenant, external_id=str(number)) for number in range(CONTACTS)]
        campaigns: list[Campaign] = [make_campaign(tenant, window_days=WINDOW) for _ in range(len(enrolled))]
        ids: dict[AssignmentRow, int] = {}
        for number, (contact, quarter, arm) in enumerate(enrolled):
            at = moment(quarter) + timedelta(seconds=number)  # at the same moment either may go first
            episode = make_episode(people[contact], lapsed_from=at - timedelta(days=200), state="closed", opened_at=at)
            row = make_enrolment(episode, campaigns[number], arm)
            ids[AssignmentRow(str(contact), arm, at)] = row.pk
        jobs: dict[int, JobRow] = {}
        for run in runs:
            for change in run.changes:
                write(change, people)
                jobs[change.number] = JobRow(
                    f"job-{change.number}",
                    str(change.contact),
                    moment(change.quarter),
                    Decimal(change.amount) / 100,
                    change.status,
                )
            now = moment(run.quarter)

            attribute(tenant, now=now)

            by_contact = {str(n): [job for job in jobs.values() if job.contact == str(n)] for n in range(CONTACTS)}
            expected = {
                (ids[row.assignment], row.job.external_id, row.job.amount, row.assignment.arm)
                for row in returns(ids, by_contact, window_days=WINDOW, as_of=now)
            }
            assert recorded(tenant, now) == expected

        again = attribute(tenant, now=now, full=True)
        assert recorded(tenant, now) == expected
        assert (again["reactivated"], again["moved"], again["withdrawn"], again["revenue"]) == (0, 0, 0, "0.00")
        latest = moment(400)
        attribute(tenant, now=latest)
        everything = returns(ids, by_contact, window_days=WINDOW, as_of=latest)
        assert {row[:2] for row in recorded(tenant, latest)} == {
            (ids[row.assignment], row.job.external_id) for row in everything
        }
