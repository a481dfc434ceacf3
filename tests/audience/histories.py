"""Put a history that the oracle has read into the database, without the import: contacts, tags, jobs, their sums."""

import json

from django.db import connection

from campaigns.audience import stats
from tenants.accounts.models import Tenant
from tests.factories import NOW
from tests.oracle.history import History


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
