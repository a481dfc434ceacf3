"""Whom attribution must look at again since its last run: contacts whose jobs changed or came due, and what is new.

Jobs carry the clock of whoever wrote them, and an import writes the moment that it began; so imports are followed by
their own rows, everything else by its clock with an overlap for transactions that were still open. A run every week
looks at everything anyway.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.backends.utils import CursorWrapper

from tenants.journal.models import Checkpoint

NAME = "attribution"
OVERLAP = timedelta(hours=1)
FULL_EVERY = timedelta(days=7)
MOST_SINGLY = 10_000  # from here on one pass over the whole tenant is cheaper, and the list stays small

# Enrolments and lapses made since the last run matter only where they begin before the jobs it had come to; later ones
# are found by their jobs. A changed job touches whom it belongs to and whoever had been credited with it. Most jobs are
# of people who are not dormant: they drop out by two index probes, before anything wide is read. (The limits of 1 keep
# them on their indexes, where an EXISTS would be answered by hashing every enrolment.)
CHANGED = """
WITH changed_job AS (
    SELECT id, contact_id FROM campaigns_job WHERE tenant_id = %(tenant)s AND updated_at >= %(since)s
    UNION
    SELECT id, contact_id FROM campaigns_job
     WHERE tenant_id = %(tenant)s AND completed_at > %(as_of)s AND completed_at <= %(now)s
), touched AS (
    SELECT contact_id FROM changed_job
    UNION
    SELECT r.contact_id FROM changed_job c
      JOIN campaigns_reactivation r ON r.tenant_id = %(tenant)s AND r.job_id = c.id
    UNION
    SELECT contact_id FROM campaigns_enrolment
     WHERE tenant_id = %(tenant)s AND id > %(enrolment)s AND enrolled_at <= %(as_of)s
    UNION
    SELECT contact_id FROM campaigns_dormancyepisode
     WHERE tenant_id = %(tenant)s AND id > %(episode)s AND opened_at <= %(as_of)s
), near AS (
    SELECT contact_id FROM touched
    UNION
    SELECT k.id FROM touched t
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.merged_into_id = t.contact_id
), concerned AS (
    SELECT contact_id FROM near n
     WHERE (SELECT true FROM campaigns_enrolment e
             WHERE e.tenant_id = %(tenant)s AND e.contact_id = n.contact_id LIMIT 1)
        OR (SELECT true FROM campaigns_dormancyepisode d
             WHERE d.tenant_id = %(tenant)s AND d.contact_id = n.contact_id AND d.state = 'open' LIMIT 1)
     LIMIT %(most)s
), person AS (
    SELECT DISTINCT coalesce(k.merged_into_id, k.id) AS id
      FROM concerned c JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = c.contact_id
)
SELECT id FROM person
UNION
SELECT k.id FROM person p JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.merged_into_id = p.id
"""

HERE = """
SELECT clock_timestamp(),
       coalesce(pg_sequence_last_value(pg_get_serial_sequence('campaigns_enrolment', 'id')::regclass), 0),
       coalesce(pg_sequence_last_value(pg_get_serial_sequence('campaigns_dormancyepisode', 'id')::regclass), 0),
       (SELECT jsonb_object_agg(id, window_days) FROM campaigns_campaign WHERE tenant_id = %(tenant)s)
"""

IMPORTS = """
SELECT id, line, state, started_at FROM campaigns_importbatch
 WHERE tenant_id = %(tenant)s AND (id > %(last)s OR id = ANY(%(running)s))
"""


@dataclass
class Position:
    """How far attribution has come for a tenant: what the checkpoint holds."""

    as_of: str = ""
    looked_at: str = ""
    full_at: str = ""
    enrolment: int = 0
    episode: int = 0
    last_import: int = 0
    running_imports: dict[str, int] = field(default_factory=dict)
    windows: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """The contacts to look at (None: all of them), and the position that the run reaches."""

    contact_ids: list[int] | None
    position: Position

    @property
    def nothing(self) -> bool:
        return self.contact_ids == []


def since_last_run(cursor: CursorWrapper, tenant_id: int, *, now: datetime, full: bool) -> Changes:
    """Whom this run must look at. Called under the tenant's lock, so that the next run begins where this one ends."""
    known = Checkpoint.objects.for_tenant(tenant_id).filter(name=NAME).first()
    old = Position(**known.position) if known else Position()
    cursor.execute(HERE, {"tenant": tenant_id})
    clock, enrolment, episode, windows = cursor.fetchone()
    changed_by_import, last_import, running = _imports(cursor, tenant_id, old)
    position = Position(
        as_of=now.isoformat(),
        # A run as of another day must not hide what is written today, nor the other way round.
        looked_at=min(now, clock).isoformat(),
        full_at=old.full_at,
        enrolment=enrolment,
        episode=episode,
        last_import=last_import,
        running_imports=running,
        windows=_loads(windows),
    )
    if full or _all_is_due(old, position, now):
        position.full_at = now.isoformat()
        return Changes(None, position)
    since = min([datetime.fromisoformat(old.looked_at) - OVERLAP, *changed_by_import])
    cursor.execute(
        CHANGED,
        {
            "tenant": tenant_id,
            "since": since,
            "as_of": datetime.fromisoformat(old.as_of),
            "now": now,
            "enrolment": old.enrolment,
            "episode": old.episode,
            "most": MOST_SINGLY + 1,
        },
    )
    found = [row[0] for row in cursor.fetchall()]
    return Changes(found if len(found) <= MOST_SINGLY else None, position)


def keep(tenant_id: int, position: Position, *, now: datetime) -> None:
    """The next run begins here: in the transaction of the work itself."""
    Checkpoint.objects.for_tenant(tenant_id).update_or_create(
        tenant_id=tenant_id, name=NAME, defaults={"position": asdict(position), "updated_at": now}
    )


def _all_is_due(old: Position, new: Position, now: datetime) -> bool:
    if not old.full_at or abs(now - datetime.fromisoformat(old.full_at)) >= FULL_EVERY:
        return True
    return any(new.windows.get(campaign, days) != days for campaign, days in old.windows.items())


def _imports(cursor: CursorWrapper, tenant_id: int, old: Position) -> tuple[list[datetime], int, dict[str, int]]:
    """When the imports began that have written since the last run; the latest of all; and those still running."""
    running_before = [int(batch) for batch in old.running_imports]
    cursor.execute(IMPORTS, {"tenant": tenant_id, "last": old.last_import, "running": running_before})
    began, last, running = [], old.last_import, {}
    for batch, line, state, started_at in cursor.fetchall():
        last = max(last, batch)
        if state == "running":
            running[str(batch)] = line
        # One that was killed and never taken up again stands still and asks for nothing.
        if state != "running" or line != old.running_imports.get(str(batch), 0):
            began.append(started_at)
    return began, last, running


def _loads(windows: Any) -> dict[str, int]:
    return json.loads(windows) if isinstance(windows, str) else dict(windows or {})
