"""What a contact's jobs add up to: always recomputed from the jobs of the contacts that were touched, never counted up.

That is exact under any change of a job (another amount, status, contact) and heals itself.
"""

from datetime import UTC, datetime

from django.db.backends.utils import CursorWrapper

# Before every moment that is scanned or replayed: the next scan looks at this contact.
DIRTY = datetime(1970, 1, 1, tzinfo=UTC)

ADD_MISSING = """
INSERT INTO campaigns_contactstat
       (tenant_id, contact_id, job_count, total_minor, last_service, next_scan_at, not_open_reason)
SELECT %(tenant)s, contact_id, 0, 0, '', %(dirty)s, 'no_job' FROM staged_contact WHERE is_new
"""

_SUMS = """
SELECT min(j.completed_at) FILTER (WHERE j.status = 'completed') AS first_job_at,
       max(j.completed_at) FILTER (WHERE j.status = 'completed') AS last_job_at,
       (array_agg(j.id ORDER BY j.completed_at DESC, j.id DESC) FILTER (WHERE j.status = 'completed'))[1]
           AS last_job_id,
       coalesce((array_agg(j.service ORDER BY j.completed_at DESC, j.id DESC)
                 FILTER (WHERE j.status = 'completed'))[1], '') AS last_service,
       count(*) FILTER (WHERE j.status = 'completed') AS job_count,
       coalesce(sum(j.amount_minor) FILTER (WHERE j.status = 'completed'), 0) AS total_minor,
       max(j.completed_at) FILTER (WHERE j.status = 'scheduled') AS scheduled_at
  FROM campaigns_job j
 WHERE j.tenant_id = %(tenant)s AND j.contact_id = {contact}
"""

_WRITE = """
INSERT INTO campaigns_contactstat AS s
       (tenant_id, contact_id, first_job_at, last_job_at, last_job_id, last_service, job_count, total_minor,
        scheduled_at, next_scan_at, not_open_reason)
SELECT %(tenant)s, t.contact_id, x.first_job_at, x.last_job_at, x.last_job_id, x.last_service, x.job_count,
       x.total_minor, x.scheduled_at, %(dirty)s, ''
  FROM {source} t, LATERAL ({sums}) x
 ORDER BY t.contact_id
ON CONFLICT (contact_id) DO UPDATE
   SET first_job_at = excluded.first_job_at, last_job_at = excluded.last_job_at, last_job_id = excluded.last_job_id,
       last_service = excluded.last_service, job_count = excluded.job_count, total_minor = excluded.total_minor,
       scheduled_at = excluded.scheduled_at, next_scan_at = excluded.next_scan_at
 WHERE {only_changed}
"""

RECOMPUTE_TOUCHED = _WRITE.format(source="touched", sums=_SUMS.format(contact="t.contact_id"), only_changed="true")

# The check: everything anew; it must change no row.
RECOMPUTE_ALL = _WRITE.format(
    source="(SELECT id AS contact_id FROM campaigns_contact WHERE tenant_id = %(tenant)s)",
    sums=_SUMS.format(contact="t.contact_id"),
    only_changed=(
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


def recompute_all(cursor: CursorWrapper, tenant_id: int) -> int:
    """Recompute every contact of the tenant; returns how many rows were wrong (none, if all is well)."""
    cursor.execute(RECOMPUTE_ALL, {"tenant": tenant_id, "dirty": DIRTY})
    return int(cursor.rowcount)
