"""Enrolments that end: what was still planned for them is cancelled in the same statement."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

# What is being handed over cannot be called back; everything before that can.
END = """
WITH ended AS (
    UPDATE campaigns_enrolment e
       SET state = 'ended', ended_by = %(ended_by)s, ended_at = %(now)s, next_action_at = NULL
     WHERE e.tenant_id = %(tenant)s AND e.state = 'active' AND e.contact_id = ANY(%(contacts)s)
 RETURNING e.id, e.contact_id, e.campaign_id
), cancelled AS (
    UPDATE campaigns_message m
       SET state = 'cancelled', reason = %(ended_by)s, claim_token = NULL, lease_until = NULL, settled_at = %(now)s
      FROM ended
     WHERE m.tenant_id = %(tenant)s AND m.enrolment_id = ended.id AND m.state IN ('planned', 'postponed', 'claimed')
 RETURNING m.id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'enrolment.ended', contact_id, 'enrolment', id,
           jsonb_build_object('by', %(ended_by)s::text, 'campaign', campaign_id), %(now)s
      FROM ended ORDER BY id
)
SELECT (SELECT count(*) FROM ended), (SELECT count(*) FROM cancelled)
"""


def end_enrolments(tenant_id: int, *, contact_ids: Sequence[int], ended_by: str, now: datetime) -> int:
    """End the active enrolments of these contacts and cancel what is planned for them; returns how many ended.

    Safe to repeat: what has ended stays as it ended. Inside an open scope of the tenant.
    """
    if not contact_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(END, {"tenant": tenant_id, "contacts": list(contact_ids), "ended_by": ended_by, "now": now})
        ended: int = cursor.fetchone()[0]
    return ended
