"""Histories in the database, without the import, and what else happens to a contact between two scans."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from campaigns.audience import dormancy, stats
from campaigns.audience.dormancy_tally import ScanReport
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Contact, ContactTag, Job
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests.factories import NOW, make_contact, make_job
from tests.oracle.history import History

CHICAGO = ZoneInfo("America/Chicago")


def load(tenant: Tenant, history: History) -> None:
    """Every contact of the history in a household of its own, and every job. Inside the tenant's scope."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_household (tenant_id, key, created_at) SELECT %s, unnest(%s::text[]), %s",
            [tenant.pk, list(history.contacts), NOW],
        )
        cursor.execute(
            "INSERT INTO campaigns_contact (tenant_id, external_id, household_id, state, email, phone, first_name, "
            "last_name, company, address, city, region, postal_code, country, timezone, timezones, "
            "acquisition_channel, attributes, name_key, created_at, updated_at) SELECT "
            "tenant_id, key, id, 'active', '', '', '', '', '', '', '', '', '', '', %s, '{}', '', '{}', '', %s, %s "
            "FROM campaigns_household WHERE tenant_id = %s AND key = ANY(%s)",
            [tenant.timezone, NOW, NOW, tenant.pk, list(history.contacts)],
        )
        tags = [(key, tag) for key, contact in history.contacts.items() for tag in sorted(contact.tags)]
        cursor.execute(
            "INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source) "
            "SELECT c.tenant_id, c.id, t ->> 1, 'test' FROM jsonb_array_elements(%s) t "
            "JOIN campaigns_contact c ON c.tenant_id = %s AND c.external_id = t ->> 0",
            [json.dumps(tags), tenant.pk],
        )
        cursor.execute("CREATE TEMPORARY TABLE history_job (key text, contact text, at timestamptz, status text)")
        with cursor.copy("COPY history_job FROM STDIN") as copy:
            for job in history.jobs.values():
                copy.write_row((job.external_id, job.contact, job.at, job.status))
        cursor.execute(
            "INSERT INTO campaigns_job (tenant_id, contact_id, external_id, completed_at, amount_minor, currency, "
            "service, status, items, location, attributes, created_at, updated_at) "
            "SELECT c.tenant_id, c.id, h.key, h.at, 100, %s, '', h.status, '[]', '', '{}', %s, %s FROM history_job h "
            "JOIN campaigns_contact c ON c.tenant_id = %s AND c.external_id = h.contact",
            [tenant.currency, NOW, NOW, tenant.pk],
        )
        cursor.execute("DROP TABLE history_job; ANALYZE campaigns_contact; ANALYZE campaigns_job")
        stats.recompute_all(cursor, tenant.pk)


def recompute(contact: Contact) -> None:
    """What every writer of jobs does in its transaction: the sums anew, and the contact is due for the scan."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS touched (contact_id bigint PRIMARY KEY) ON COMMIT DROP; "
            "TRUNCATE touched"
        )
        cursor.execute("INSERT INTO touched VALUES (%s)", [contact.pk])
        stats.recompute_touched(cursor, contact.tenant_id)


def customer(tenant: Tenant, *jobs_at: datetime, **fields: Any) -> Contact:
    """A contact with a completed job at each of these moments."""
    contact = make_contact(tenant, **fields)
    for at in jobs_at:
        make_job(contact, at)
    recompute(contact)
    return contact


def add_job(contact: Contact, at: datetime, **fields: Any) -> Job:
    job = make_job(contact, at, **fields)
    recompute(contact)
    return job


def change_job(job: Job, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(job, name, value)
    job.save()
    recompute(job.contact)


def change_contact(contact: Contact, **fields: Any) -> None:
    """What erasing and merging do to the scan: another state, and the contact is due."""
    for name, value in fields.items():
        setattr(contact, name, value)
    contact.save()
    recompute(contact)


def close_by_business(tenant: Tenant, *, now: datetime) -> int:
    """What attributing does to the scan: lapses with business since they were opened are closed, their contacts due."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH closed AS (UPDATE campaigns_dormancyepisode e SET state = 'closed', closed_at = %(now)s, "
            "closed_by = 'business' WHERE e.tenant_id = %(tenant)s AND e.state = 'open' AND EXISTS ("
            "SELECT FROM campaigns_job j WHERE j.tenant_id = e.tenant_id AND j.contact_id = e.contact_id "
            "AND j.status = 'completed' AND j.completed_at >= e.opened_at AND j.completed_at <= %(now)s) "
            "RETURNING e.contact_id) UPDATE campaigns_contactstat s SET next_scan_at = %(dirty)s FROM closed "
            "WHERE s.tenant_id = %(tenant)s AND s.contact_id = closed.contact_id",
            {"tenant": tenant.pk, "now": now, "dirty": stats.DIRTY},
        )
        return int(cursor.rowcount)


def episodes(contact: Contact) -> list[DormancyEpisode]:
    return list(DormancyEpisode.objects.for_tenant(contact.tenant_id).filter(contact=contact).order_by("lapsed_from"))


def at(text: str) -> datetime:
    """A moment in Chicago."""
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def scan(tenant: Tenant, now: datetime, **options: Any) -> ScanReport:
    """What the tenant's scan reports."""
    return dormancy.scan(now=now, tenant=tenant, **options)[tenant.pk]


def only_episode(contact: Contact) -> DormancyEpisode:
    """The contact's one lapse; fails when there is none or another."""
    (episode,) = episodes(contact)
    return episode


def events(tenant: Tenant, kind: str) -> list[Event]:
    """The tenant's events of a kind, the earliest first."""
    return list(Event.objects.for_tenant(tenant).filter(kind=kind).order_by("id"))


def tags(contact: Contact) -> set[str]:
    """The names of the contact's tags."""
    return set(ContactTag.objects.for_tenant(contact.tenant_id).filter(contact=contact).values_list("name", flat=True))


def reason(contact: Contact) -> str:
    """Why the contact has no open lapse, as the scan left it."""
    contact.stat.refresh_from_db()
    return str(contact.stat.not_open_reason)
