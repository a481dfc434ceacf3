"""Merging jobs, and what they add up to on their contacts, in the same transaction."""

import json
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience import stats
from campaigns.audience.importing import Merged
from campaigns.audience.records import JobRecord, Setting, job_record
from tenants.accounts.models import Tenant

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_job (
    line bigint, external_id text, contact_external_id text, contact_email_key text, completed_at timestamptz,
    amount_minor bigint, currency text, service text, status text, items jsonb, location text, attributes jsonb,
    contact_id bigint, job_id bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS touched (contact_id bigint PRIMARY KEY) ON COMMIT DROP;
TRUNCATE staged_job, touched
"""
_COLUMNS = (
    "line, external_id, contact_external_id, contact_email_key, completed_at, amount_minor, currency, service, status, "
    "items, location, attributes"
)

KEEP_LAST = """
DELETE FROM staged_job s USING (
    SELECT line, row_number() OVER (PARTITION BY external_id ORDER BY line DESC) AS place FROM staged_job) r
 WHERE s.line = r.line AND r.place > 1
"""

# A contact that was merged into another hands its jobs on.
MATCH = [
    """
UPDATE staged_job s SET contact_id = coalesce(c.merged_into_id, c.id)
  FROM campaigns_contact c
 WHERE c.tenant_id = %(tenant)s AND c.external_id = s.contact_external_id AND c.state <> 'erased'
""",
    """
UPDATE staged_job s SET contact_id = m.id
  FROM (SELECT s.line, min(c.id) AS id
          FROM staged_job s
          JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.email_key = s.contact_email_key
                                  AND c.state = 'active'
         WHERE s.contact_external_id IS NULL AND s.contact_email_key IS NOT NULL
         GROUP BY s.line) m
 WHERE m.line = s.line
""",
    """
UPDATE staged_job s SET job_id = j.id
  FROM campaigns_job j
 WHERE j.tenant_id = %(tenant)s AND j.external_id = s.external_id
""",
]

_VALUES = "contact_id, completed_at, amount_minor, currency, service, status, items, location"
UPDATE = f"""
WITH changed AS (
    SELECT s.*, j.contact_id AS old_contact_id, j.attributes || s.attributes AS all_attributes
      FROM staged_job s
      JOIN campaigns_job j ON j.tenant_id = %(tenant)s AND j.id = s.job_id
     WHERE s.contact_id IS NOT NULL
       AND ({", ".join(f"j.{name.strip()}" for name in _VALUES.split(","))}, j.attributes)
           IS DISTINCT FROM ({", ".join(f"s.{name.strip()}" for name in _VALUES.split(","))},
                             j.attributes || s.attributes)
), written AS (
    UPDATE campaigns_job j
       SET contact_id = c.contact_id, completed_at = c.completed_at, amount_minor = c.amount_minor,
           currency = c.currency, service = c.service, status = c.status, items = c.items, location = c.location,
           attributes = c.all_attributes, updated_at = %(now)s
      FROM changed c
     WHERE j.tenant_id = %(tenant)s AND j.id = c.job_id
 RETURNING j.id
), noted AS (
    INSERT INTO touched SELECT DISTINCT unnest(ARRAY[contact_id, old_contact_id]) FROM changed
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM written
"""

INSERT = f"""
WITH made AS (
    INSERT INTO campaigns_job (tenant_id, external_id, {_VALUES}, attributes, created_at, updated_at)
    SELECT %(tenant)s, external_id, {_VALUES}, attributes, %(now)s, %(now)s
      FROM staged_job
     WHERE job_id IS NULL AND contact_id IS NOT NULL
     ORDER BY line
    RETURNING contact_id
), noted AS (
    INSERT INTO touched SELECT DISTINCT contact_id FROM made ON CONFLICT DO NOTHING
)
SELECT count(*) FROM made
"""

UNKNOWN = """
SELECT line, coalesce(contact_external_id, '') FROM staged_job WHERE contact_id IS NULL ORDER BY line
"""


class Jobs:
    """The import of jobs."""

    name = "jobs"

    def prepare(self, row: dict[str, str], setting: Setting) -> JobRecord:
        return job_record(row, setting)

    def merge(
        self, cursor: CursorWrapper, tenant: Tenant, staged: list[tuple[int, Any]], *, now: datetime
    ) -> Merged:
        cursor.execute(STAGE)
        with cursor.copy(f"COPY staged_job ({_COLUMNS}) FROM STDIN") as copy:
            for line, job in staged:
                copy.write_row(_staged(line, job))
        values = {"tenant": tenant.pk, "now": now}
        cursor.execute(KEEP_LAST)
        for statement in MATCH:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE staged_job")
        cursor.execute(UNKNOWN)
        unknown = [
            (line, f"contact_unknown: there is no contact {name!r}; import the contacts first")
            for line, name in cursor.fetchall()
        ]
        cursor.execute(UPDATE, values)
        updated = cursor.fetchone()[0]
        cursor.execute(INSERT, values)
        created = cursor.fetchone()[0]
        cursor.execute("ANALYZE touched")
        stats.recompute_touched(cursor, tenant.pk)
        return Merged(created, updated, len(staged) - created - updated - len(unknown), unknown)

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]:
        cursor.execute(
            "SELECT count(*), max(completed_at) FILTER (WHERE status = 'completed') FROM campaigns_job "
            "WHERE tenant_id = %s",
            [tenant.pk],
        )
        number, newest_at = cursor.fetchone()
        return number, newest_at


def _staged(line: int, job: JobRecord) -> tuple[Any, ...]:
    return (
        line,
        job.external_id,
        job.contact_external_id,
        job.contact_email_key,
        job.completed_at,
        job.amount_minor,
        job.currency,
        job.service,
        job.status,
        job.items,
        job.location,
        json.dumps(job.attributes),
    )
