"""What a contact's jobs add up to: always recomputed from the jobs of the contacts that were touched, never counted up.

That is exact under any change of a job (another amount, status, contact) and heals itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db.backends.utils import CursorWrapper

# Before every moment that is scanned or replayed: the next scan looks at this contact.
DIRTY = datetime(1970, 1, 1, tzinfo=UTC)

TOUCHED = """
CREATE TEMPORARY TABLE IF NOT EXISTS touched (contact_id bigint PRIMARY KEY) ON COMMIT DROP;
TRUNCATE touched
"""

ADD_MISSING = """
INSERT INTO campaigns_contactstat
       (tenant_id, contact_id, job_count, total_minor, last_service, next_scan_at, not_open_reason)
SELECT %(tenant)s, contact_id, 0, 0, '', %(dirty)s, 'no_job' FROM newcomer
"""

# What was paid is added up in the tenant's own currency; a sum that no column holds is cut off, not an error.
_SUMS = """
SELECT {group}
       min(j.completed_at) FILTER (WHERE j.status = 'completed') AS first_job_at,
       max(j.completed_at) FILTER (WHERE j.status = 'completed') AS last_job_at,
       (array_agg(j.id ORDER BY j.completed_at DESC, j.id DESC) FILTER (WHERE j.status = 'completed'))[1]
           AS last_job_id,
       count(*) FILTER (WHERE j.status = 'completed') AS job_count,
       greatest(least(coalesce(
           sum(j.amount_minor) FILTER (
               WHERE j.status = 'completed'
                 AND j.currency = (SELECT currency FROM tenants_tenant WHERE id = %(tenant)s)),
       0), 9e18), -9e18)::bigint AS total_minor,
       max(j.completed_at) FILTER (WHERE j.status = 'scheduled') AS scheduled_at
  FROM campaigns_job j
 WHERE j.tenant_id = %(tenant)s {condition}
"""

_WRITE = """
INSERT INTO campaigns_contactstat AS s
       (tenant_id, contact_id, first_job_at, last_job_at, last_job_id, last_service, job_count, total_minor,
        scheduled_at, next_scan_at, not_open_reason)
SELECT %(tenant)s, t.contact_id, x.first_job_at, x.last_job_at, x.last_job_id, coalesce(l.service, ''),
       coalesce(x.job_count, 0), coalesce(x.total_minor, 0), x.scheduled_at, %(dirty)s, ''
  FROM {source}
  LEFT JOIN campaigns_job l ON l.tenant_id = %(tenant)s AND l.id = x.last_job_id
 ORDER BY t.contact_id
ON CONFLICT (contact_id) DO UPDATE
   SET first_job_at = excluded.first_job_at, last_job_at = excluded.last_job_at, last_job_id = excluded.last_job_id,
       last_service = excluded.last_service, job_count = excluded.job_count, total_minor = excluded.total_minor,
       scheduled_at = excluded.scheduled_at, next_scan_at = excluded.next_scan_at
 WHERE {only}
"""

RECOMPUTE_TOUCHED = _WRITE.format(
    source="touched t CROSS JOIN LATERAL ("
    + _SUMS.format(group="", condition="AND j.contact_id = t.contact_id")
    + ") x",
    only="true",
)

# Everything anew, in one pass over the jobs; only rows that are wrong are written.
RECOMPUTE_ALL = _WRITE.format(
    source="(SELECT id AS contact_id FROM campaigns_contact WHERE tenant_id = %(tenant)s) t LEFT JOIN ("
    + _SUMS.format(group="j.contact_id,", condition="GROUP BY j.contact_id")
    + ") x ON x.contact_id = t.contact_id",
    only=(
        "(s.first_job_at, s.last_job_at, s.last_job_id, s.last_service, s.job_count, s.total_minor, s.scheduled_at) "
        "IS DISTINCT FROM (excluded.first_job_at, excluded.last_job_at, excluded.last_job_id, excluded.last_service, "
        "excluded.job_count, excluded.total_minor, excluded.scheduled_at)"
    ),
)


def add_missing(cursor: CursorWrapper, tenant_id: int) -> None:
    """A stat row for each contact that the staged batch made."""
    cursor.execute(ADD_MISSING, {"tenant": tenant_id, "dirty": DIRTY})


def recompute_touched(cursor: CursorWrapper, tenant_id: int) -> int:
    """Recompute the contacts in the temporary table ``touched`` and have the next scan look at them."""
    cursor.execute(RECOMPUTE_TOUCHED, {"tenant": tenant_id, "dirty": DIRTY})
    return int(cursor.rowcount)


def recompute_contacts(cursor: CursorWrapper, tenant_id: int, contact_ids: Sequence[int]) -> int:
    """Recompute these contacts and have the next scan look at them."""
    cursor.execute(TOUCHED)
    cursor.execute("INSERT INTO touched SELECT DISTINCT unnest(%s::bigint[])", [list(contact_ids)])
    return recompute_touched(cursor, tenant_id)


def recompute_all(cursor: CursorWrapper, tenant_id: int) -> int:
    """Recompute every contact of the tenant; returns how many rows were wrong (none, if all is well)."""
    cursor.execute(RECOMPUTE_ALL, {"tenant": tenant_id, "dirty": DIRTY})
    return int(cursor.rowcount)
