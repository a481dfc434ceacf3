"""The sums on a contact are those of its jobs, whatever happens to these, and the scan is told."""

from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience import stats
from campaigns.audience.models import Contact, ContactStat, Job
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import run, versions, written

CONTACTS = ["c0", "c1", "c2"]
job = st.tuples(
    st.integers(0, 7),
    st.sampled_from(CONTACTS),
    st.integers(0, 400),
    st.integers(-50, 500),
    st.sampled_from(["completed", "completed", "scheduled", "refunded", "cancelled"]),
    st.sampled_from(["USD", "USD", "EUR"]),
)


def day(ago: int) -> str:
    return f"{factories.NOW - timedelta(days=ago):%Y-%m-%d}"


def by_hand(contact: Contact) -> tuple[object, ...]:
    """The same sums in plain Python."""
    jobs = [row for row in Job.objects.for_tenant(contact.tenant_id) if row.contact_id == contact.pk]
    counted = sorted((row for row in jobs if row.status == "completed"), key=lambda row: (row.completed_at, row.pk))
    ahead = [row.completed_at for row in jobs if row.status == "scheduled"]
    last = counted[-1] if counted else None
    return (
        counted[0].completed_at if counted else None,
        last.completed_at if last else None,
        last.pk if last else None,
        last.service if last else "",
        len(counted),
        sum(row.amount_minor for row in counted if row.currency == "USD"),
        max(ahead, default=None),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.lists(job, min_size=1, max_size=6), min_size=1, max_size=4))
def test_after_any_files_the_sums_are_those_of_the_jobs(
    tenant: Tenant, tmp_path: Path, files: list[list[tuple[int, str, int, int, str, str]]]
) -> None:
    for name in CONTACTS:
        if not Contact.objects.for_tenant(tenant).filter(external_id=name).exists():
            factories.make_contact(tenant, external_id=name)
    Job.objects.for_tenant(tenant).delete()
    with connection.cursor() as cursor:
        stats.recompute_all(cursor, tenant.pk)
    for rows in files:
        ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)
        before = {row.external_id: row.contact_id for row in Job.objects.for_tenant(tenant)}
        values = set(Job.objects.for_tenant(tenant).values_list("external_id", "contact_id", "completed_at", "status"))

        run(
            "jobs",
            tenant,
            written(
                tmp_path,
                "external_id,contact_external_id,completed_at,amount,status,currency,service\n"
                + "".join(
                    f"j{number},{who},{day(days)},{amount},{status},{currency},S{number}\n"
                    for number, who, days, amount, status, currency in rows
                ),
            ),
        )

        for contact in Contact.objects.for_tenant(tenant).select_related("stat"):
            found = contact.stat
            assert (
                found.first_job_at,
                found.last_job_at,
                found.last_job_id,
                found.last_service,
                found.job_count,
                found.total_minor,
                found.scheduled_at,
            ) == by_hand(contact)
        changed = values ^ set(
            Job.objects.for_tenant(tenant).values_list("external_id", "contact_id", "completed_at", "status")
        )
        looked_at = set(
            ContactStat.objects.for_tenant(tenant).filter(next_scan_at=stats.DIRTY).values_list("contact_id", flat=True)
        )
        assert {contact_id for _, contact_id, *_ in changed} <= looked_at
        assert before.keys() <= set(Job.objects.for_tenant(tenant).values_list("external_id", flat=True))
    with connection.cursor() as cursor:
        assert stats.recompute_all(cursor, tenant.pk) == 0


def test_the_check_writes_only_what_is_wrong(tenant: Tenant, now: datetime) -> None:
    right, wrong = factories.make_contact(tenant), factories.make_contact(tenant)
    for contact in (right, wrong):
        factories.make_job(contact, now - timedelta(days=200))
    with connection.cursor() as cursor:
        stats.recompute_all(cursor, tenant.pk)
        ContactStat.objects.for_tenant(tenant).update(next_scan_at=None)
        ContactStat.objects.for_tenant(tenant).filter(contact=wrong).update(job_count=7)
        before = {row[0]: row[1:] for row in versions("campaigns_contactstat")}

        assert stats.recompute_all(cursor, tenant.pk) == 1

    after = {row[0]: row[1:] for row in versions("campaigns_contactstat")}
    assert after[right.pk] == before[right.pk]
    found = ContactStat.objects.for_tenant(tenant).get(contact=wrong)
    assert (found.job_count, found.next_scan_at) == (1, stats.DIRTY)


def test_single_contacts_can_be_recomputed(tenant: Tenant, now: datetime) -> None:
    one, other = factories.make_contact(tenant), factories.make_contact(tenant)
    for contact in (one, other):
        factories.make_job(contact, now - timedelta(days=200))

    with connection.cursor() as cursor:
        stats.recompute_contacts(cursor, tenant.pk, [one.pk, one.pk])

    assert ContactStat.objects.for_tenant(tenant).get(contact=one).job_count == 1
    assert ContactStat.objects.for_tenant(tenant).get(contact=other).job_count == 0


def test_the_sums_of_another_tenant_are_left_alone(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    ours, theirs = two_tenants
    stranger = factories.make_contact(theirs)
    factories.make_job(stranger, now)

    with connection.cursor() as cursor:
        assert stats.recompute_all(cursor, ours.pk) == 0

    assert ContactStat.objects.for_tenant(theirs).get(contact=stranger).job_count == 0
