"""Merging jobs, and what they add up to on their contacts, in the same transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience import erased, stats
from campaigns.audience.import_kinds import Merged
from campaigns.audience.job_records import JobRecord, job_record
from campaigns.audience.values import Setting, as_json
from tenants.accounts.models import Tenant
from winback import statistics

STAGE = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS staged_job (
    line bigint, external_id text, contact_external_id text, contact_email_key text, completed_at timestamptz,
    amount_minor bigint, currency text, service text, status text, items jsonb, location text, attributes jsonb
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS matched_job (
    line bigint, contact_id bigint, is_erased boolean, job_id bigint
) ON COMMIT DROP;
TRUNCATE staged_job, matched_job;
{stats.TOUCHED}
"""
_COLUMNS = (
    "line, external_id, contact_external_id, contact_email_key, completed_at, amount_minor, currency, service, status, "
    "items, location, attributes"
)

# A contact that was merged into another hands its jobs on; an erased one takes none.
MATCH = """
INSERT INTO matched_job
SELECT s.line, coalesce(c.merged_into_id, c.id, e.id), c.state = 'erased', j.id
  FROM staged_job s
  LEFT JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.external_id = s.contact_external_id
  LEFT JOIN (SELECT k.email_key, min(o.id) AS id
               FROM (SELECT DISTINCT contact_email_key AS email_key FROM staged_job
                      WHERE contact_external_id IS NULL) k
               JOIN campaigns_contact o ON o.tenant_id = %(tenant)s AND o.email_key = k.email_key
                                       AND o.state = 'active'
              GROUP BY k.email_key) e
    ON s.contact_external_id IS NULL AND e.email_key = s.contact_email_key
  LEFT JOIN campaigns_job j ON j.tenant_id = %(tenant)s AND j.external_id = s.external_id
"""

_FIELDS = ("completed_at", "amount_minor", "currency", "service", "status", "items", "location")
UPDATE = f"""
WITH changed AS (
    SELECT s.*, m.job_id, m.contact_id, j.contact_id AS old_contact_id, j.attributes || s.attributes AS all_attributes
      FROM matched_job m
      JOIN staged_job s ON s.line = m.line
      JOIN campaigns_job j ON j.tenant_id = %(tenant)s AND j.id = m.job_id
     WHERE m.contact_id IS NOT NULL AND m.is_erased IS NOT TRUE
       AND (j.contact_id, {", ".join(f"j.{name}" for name in _FIELDS)}, j.attributes)
           IS DISTINCT FROM (m.contact_id, {", ".join(f"s.{name}" for name in _FIELDS)}, j.attributes || s.attributes)
), written AS (
    UPDATE campaigns_job j
       SET contact_id = c.contact_id, {", ".join(f"{name} = c.{name}" for name in _FIELDS)},
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
    INSERT INTO campaigns_job
           (tenant_id, external_id, contact_id, {", ".join(_FIELDS)}, attributes, created_at, updated_at)
    SELECT %(tenant)s, s.external_id, m.contact_id, {", ".join(f"s.{name}" for name in _FIELDS)}, s.attributes, %(now)s,
           %(now)s
      FROM matched_job m
      JOIN staged_job s ON s.line = m.line
     WHERE m.job_id IS NULL AND m.contact_id IS NOT NULL AND m.is_erased IS NOT TRUE
     ORDER BY m.line
    RETURNING contact_id
), noted AS (
    INSERT INTO touched SELECT DISTINCT contact_id FROM made WHERE %(recompute)s ON CONFLICT DO NOTHING
)
SELECT count(*) FROM made
"""

NOT_TAKEN = """
SELECT m.line, coalesce(s.contact_external_id, s.contact_email_key), coalesce(m.is_erased, false)
  FROM matched_job m JOIN staged_job s ON s.line = m.line
 WHERE m.contact_id IS NULL OR m.is_erased
 ORDER BY m.line
"""

ANALYZED = "campaigns_job (tenant_id, id, contact_id, external_id, completed_at, status)"
HAS_COUNTED = "SELECT EXISTS (SELECT 1 FROM campaigns_contactstat WHERE tenant_id = %s AND last_job_at IS NOT NULL)"


NOBODY = "there is no contact {!r}; import the contacts first"


class Jobs:
    """The import of jobs."""

    name = "jobs"
    key_columns = frozenset({"external_id"})
    needs = (
        frozenset({"external_id"}),
        frozenset({"contact_external_id", "contact_email"}),
        frozenset({"completed_at"}),
    )

    def prepare(self, row: dict[str, str], setting: Setting) -> JobRecord:
        return job_record(row, setting)

    def rough_key(self, row: dict[str, str]) -> str:
        return row.get("external_id", "")

    def key(self, prepared: JobRecord) -> str:
        return prepared.external_id

    def merge(
        self,
        cursor: CursorWrapper,
        tenant: Tenant,
        staged: Sequence[tuple[int, Any]],
        *,
        now: datetime,
        before: int,
        many: bool,
    ) -> Merged:
        if not staged:
            return Merged()
        cursor.execute(STAGE)
        with cursor.copy(f"COPY staged_job ({_COLUMNS}) FROM STDIN") as copy:
            for line, job in staged:
                copy.write_row(_staged(line, job))
        cursor.execute("ANALYZE staged_job (line, external_id, contact_external_id, contact_email_key)")
        # Of a first load of many batches the sums are made once, at its end: until then its contacts have no job yet,
        # which opens nothing. Later files bring each contact's sums up to date with its jobs.
        cursor.execute(HAS_COUNTED, [tenant.pk])
        recompute = not many or cursor.fetchone()[0]
        values = {"tenant": tenant.pk, "now": now, "recompute": recompute}
        cursor.execute(MATCH, values)
        cursor.execute("ANALYZE matched_job")
        cursor.execute(NOT_TAKEN)
        not_taken = cursor.fetchall()
        gone = erased.numbers_among(cursor, tenant.pk, {name for _, name, is_erased in not_taken if not is_erased})
        rejected = [(line, _why(name, is_erased or name in gone)) for line, name, is_erased in not_taken]
        cursor.execute(UPDATE, values)
        updated = cursor.fetchone()[0]
        cursor.execute(INSERT, values)
        created = cursor.fetchone()[0]
        statistics.keep_up_with(cursor, [ANALYZED], tenant.pk, before + created)
        if updated or (created and recompute):
            cursor.execute("ANALYZE touched")
            stats.recompute_touched(cursor, tenant.pk)
        unchanged = len(staged) - created - updated - len(rejected)
        return Merged(created, updated, unchanged, rejected, put_off=not recompute)

    def catch_up(self, cursor: CursorWrapper, tenant: Tenant) -> None:
        """Make the sums that were put off, or that a killed import left out; where nothing is wrong, write nothing."""
        stats.recompute_all(cursor, tenant.pk)

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]:
        cursor.execute(
            "SELECT count(*), max(completed_at) FILTER (WHERE status = 'completed') FROM campaigns_job "
            "WHERE tenant_id = %s",
            [tenant.pk],
        )
        number, newest_at = cursor.fetchone()
        return number, newest_at


def _why(contact: str, is_erased: bool) -> str:
    if is_erased:
        return erased.REFUSED
    return f"contact_unknown: {NOBODY.format(contact)}"


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
        as_json(job.attributes),
    )
