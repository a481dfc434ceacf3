"""The report says what the oracle, written apart from it, finds in the same histories."""

import csv
import gzip
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.experiment_models import Arm
from campaigns.audience.models import Job
from campaigns.results.attributing import attribute
from campaigns.results.reporting import results
from tenants.accounts.models import Tenant
from tests.data import needs_shared_data, shared_data_file
from tests.factories import NOW, make_campaign, make_contact, make_enrolment, make_episode, make_job, make_tenant
from tests.oracle.attribution import AssignmentRow, by_arm
from tests.oracle.history import JobRow
from tests.results.crowds import make_people
from winback.money import money
from winback.tenancy import acting_for, acting_for_all

DAY = timedelta(days=1)
NOT_ENOUGH = "insufficient_data"


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(0, 120))
def test_counts_and_money_are_the_oracle_s(seed: int, days: int) -> None:
    """Random histories of 40 contacts in both arms."""
    chance = Random(seed)
    with acting_for_all("a tenant for each example"):
        tenant = make_tenant()
    with acting_for(tenant.pk):
        campaign = make_campaign(tenant, window_days=30)
        assignments, jobs = [], defaultdict(list)
        for number in range(40):
            contact = make_contact(tenant, external_id=str(number))
            at = NOW + timedelta(hours=chance.randrange(24 * 60))
            arm = chance.choice(Arm.values)
            make_enrolment(make_episode(contact, opened_at=at), campaign, arm)
            assignments.append(AssignmentRow(str(number), arm, at))
            for _ in range(chance.randrange(3)):
                job = make_job(
                    contact,
                    NOW + timedelta(hours=chance.randrange(24 * 100)),
                    amount_minor=round(chance.lognormvariate(9, 1)),
                    status=chance.choice([Job.Status.COMPLETED, Job.Status.COMPLETED, Job.Status.REFUNDED]),
                )
                amount = Decimal(money(job.amount_minor, "USD"))
                jobs[str(number)].append(JobRow(job.external_id, str(number), job.completed_at, amount, job.status))
        now = NOW + days * DAY
        attribute(tenant, now=now)

        report = results(tenant, now=now)

    known = [row for row in assignments if row.first_due_at <= now]
    for arm, line in by_arm(known, jobs, window_days=30, as_of=now).items():
        rate = report["reactivation_rate" if arm == "treated" else "holdout_rate"]
        assert report[f"assigned_{arm}"] == line.assigned
        assert report[f"matured_{arm}"] == line.matured
        assert report[f"reactivated_{arm}"] == line.reactivated
        assert report[f"reactivated_matured_{arm}"] == line.reactivated_of_matured
        assert rate == ({"state": NOT_ENOUGH, "have": 0, "need": 1} if line.rate is None else round(line.rate, 6))
        if arm == "treated":
            assert Decimal(report["revenue"]) == line.revenue


@needs_shared_data
def test_real_orders_are_credited_as_the_oracle_does(tenant: Tenant) -> None:
    """Every tenth customer of Online Retail, enrolled half a year after the first order, over two years."""
    orders: dict[str, list[JobRow]] = defaultdict(list)
    with gzip.open(shared_data_file("online_retail_ii_orders.csv.gz"), "rt") as lines:
        for row in csv.DictReader(lines):
            if row["customer_id"].endswith("7"):
                at = datetime.fromisoformat(row["ordered_at"]).replace(tzinfo=ZoneInfo("Europe/London"))
                status = "completed" if row["status"] == "completed" else "refunded"
                orders[row["customer_id"]].append(
                    JobRow(row["order_id"], row["customer_id"], at, Decimal(row["amount"]), status)
                )
    Tenant.objects.filter(pk=tenant.pk).update(currency="GBP")
    tenant.refresh_from_db()
    campaign = make_campaign(tenant, window_days=60)
    chance, assignments = Random(1), []
    names = sorted(orders)
    people = make_people(tenant, names)
    for name, contact in zip(names, people, strict=True):
        at = min(job.at for job in orders[name]) + 183 * DAY
        arm = chance.choices(Arm.values, [4, 1])[0]
        make_enrolment(make_episode(contact, opened_at=at), campaign, arm)
        assignments.append(AssignmentRow(name, arm, at))
    Job.objects.bulk_create(
        Job(
            tenant=tenant,
            contact=contact,
            external_id=job.external_id,
            completed_at=job.at,
            status=job.status,
            amount_minor=int(job.amount * 100),
            currency="GBP",
            created_at=NOW,
            updated_at=NOW,
        )
        for name, contact in zip(names, people, strict=True)
        for job in orders[name]
    )
    now = datetime(2011, 12, 9, 12, tzinfo=ZoneInfo("Europe/London"))

    attribute(tenant, now=now)
    report = results(tenant, now=now)

    lines_of = by_arm([row for row in assignments if row.first_due_at <= now], orders, window_days=60, as_of=now)
    found = {
        arm: (report[f"assigned_{arm}"], report[f"matured_{arm}"], report[f"reactivated_{arm}"]) for arm in lines_of
    }
    assert found == {arm: (line.assigned, line.matured, line.reactivated) for arm, line in lines_of.items()}
    assert Decimal(report["revenue"]) == lines_of["treated"].revenue
    assert lines_of["treated"].reactivated > 50
