"""Lapses that ended because the customer came back: closed by the first counted job since they were opened."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from campaigns.audience.stats import DIRTY
from campaigns.audience.tagging import clear_managed, cohort_tag
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment

# Locked in the order of their ids, so that a scan that closes others at the same time cannot stand crosswise.
CLOSE = """
WITH back AS (
    SELECT d.id, b.id AS job_id
      FROM campaigns_dormancyepisode d
      JOIN LATERAL (SELECT j.id FROM campaigns_job j
                     WHERE j.tenant_id = %(tenant)s AND j.contact_id = d.contact_id AND j.status = 'completed'
                       AND j.completed_at >= d.opened_at AND j.completed_at <= %(now)s
                     ORDER BY j.completed_at, j.external_id COLLATE "C" LIMIT 1) b ON true
     WHERE d.tenant_id = %(tenant)s AND d.state = 'open'
       AND (%(contacts)s::bigint[] IS NULL OR d.contact_id = ANY(%(contacts)s))
     ORDER BY d.id
       FOR UPDATE OF d
), closed AS (
    UPDATE campaigns_dormancyepisode d
       SET state = 'closed', closed_at = %(now)s, closed_by = 'business'
      FROM back
     WHERE d.tenant_id = %(tenant)s AND d.id = back.id AND d.state = 'open'
 RETURNING d.id, d.contact_id, d.cohort_months, back.job_id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'episode.closed', contact_id, 'dormancyepisode', id,
           jsonb_build_object('by', 'business', 'job', job_id, 'cohort', cohort_months), %(now)s
      FROM closed ORDER BY id
), to_scan AS (
    UPDATE campaigns_contactstat s SET next_scan_at = %(dirty)s
      FROM closed WHERE s.tenant_id = %(tenant)s AND s.contact_id = closed.contact_id
)
SELECT contact_id, cohort_months FROM closed
"""


def close_by_business(tenant_id: int, *, contact_ids: Sequence[int] | None, now: datetime) -> int:
    """Close the open lapses of these contacts (None: of all) that a job has ended, with their enrolments; how many."""
    with connection.cursor() as cursor:
        contacts = list(contact_ids) if contact_ids is not None else None
        cursor.execute(CLOSE, {"tenant": tenant_id, "now": now, "contacts": contacts, "dirty": DIRTY})
        closed = cursor.fetchall()
    if closed:
        contacts = sorted(contact for contact, _ in closed)
        end_enrolments(tenant_id, contact_ids=contacts, ended_by=Enrolment.EndedBy.BUSINESS, now=now)
        clear_managed(tenant_id, contacts, sorted({cohort_tag(months) for _, months in closed}))
    return len(closed)
