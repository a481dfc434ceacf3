"""Enrolling open lapses into a campaign: both arms alike, the most recently lapsed first, so many a day."""

from datetime import datetime, time
from typing import Any

from django.db import connection

from campaigns.audience.business import jobs_since
from campaigns.planning.models import Campaign
from winback.statistics import keep_up_with

# What the guards ask later is not asked here, or the two arms of the experiment would be chosen by it. Excluded is
# only what makes an enrolment pointless for either arm. The sort consumes all input before the first insert
# (performance: an anti-join against the table being filled is quadratic without it).
ENROL = f"""
WITH candidate AS MATERIALIZED (
    SELECT d.id AS episode_id, d.contact_id, a.arm, d.lapsed_from
      FROM campaigns_dormancyepisode d
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = d.contact_id AND k.state = 'active'
      JOIN campaigns_assignment a ON a.tenant_id = %(tenant)s AND a.contact_id = d.contact_id
      LEFT JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = d.contact_id
     WHERE d.tenant_id = %(tenant)s AND d.state = 'open' AND d.opened_at <= %(now)s
       AND NOT EXISTS (SELECT FROM campaigns_enrolment e
                        WHERE e.tenant_id = %(tenant)s AND e.contact_id = d.contact_id
                          AND (e.enrolled_at > %(not_since)s OR e.episode_id = d.id OR e.state = 'active'))
       AND NOT coalesce((d.lapsed_from AT TIME ZONE %(zone)s)::date + make_interval(months => %(silence_months)s::int)
                        <= %(today)s, false)
       AND NOT coalesce(s.scheduled_at > %(now)s, false)
       AND NOT EXISTS (SELECT FROM campaigns_contacttag t
                        WHERE t.tenant_id = %(tenant)s AND t.contact_id = d.contact_id
                          AND t.name = ANY(%(forbidding_tags)s)
                          AND (t.expires_at IS NULL OR t.expires_at > %(now)s))
       AND NOT EXISTS (SELECT {jobs_since("d.lapsed_from", "d.contact_id")})
     ORDER BY d.lapsed_from DESC, d.id
     LIMIT %(room)s
), enrolled AS (
    INSERT INTO campaigns_enrolment
           (tenant_id, campaign_id, episode_id, contact_id, arm, workflow_version, state, position, next_action_at,
            enrolled_at, ended_by)
    SELECT %(tenant)s, %(campaign)s, episode_id, contact_id, arm, %(version)s, 'active', 0, %(now)s, %(now)s, ''
      FROM candidate
     ORDER BY lapsed_from DESC, episode_id
    ON CONFLICT (tenant_id, episode_id, campaign_id) DO NOTHING
    RETURNING id, contact_id, arm
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'contact.enrolled', contact_id, 'enrolment', id,
           jsonb_build_object('campaign', %(campaign)s::bigint, 'arm', arm), %(now)s
      FROM enrolled ORDER BY id
)
SELECT count(*) FROM enrolled
"""

OPEN_LAPSES = "SELECT count(*) FROM campaigns_dormancyepisode WHERE tenant_id = %(tenant)s AND state = 'open'"
SCANNED = ("campaigns_dormancyepisode", "campaigns_assignment", "campaigns_contactstat")
"""What a first scan fills, and a new tenant's share of which PostgreSQL does not know yet."""

ENROLLED_TODAY = """
SELECT count(*) FROM campaigns_enrolment
 WHERE tenant_id = %(tenant)s AND campaign_id = %(campaign)s AND enrolled_at >= %(midnight)s AND enrolled_at <= %(now)s
"""


def enrol(campaign: Campaign, *, now: datetime, parameters: dict[str, Any], cap: int, not_since: datetime) -> int:
    """Enrol open episodes into the campaign until the day's cap is reached; returns how many.

    ``parameters`` are those of the guards (tenant, zone, today, forbidding tags, months of silence); nobody is
    enrolled who was since ``not_since``.
    """
    local = now.astimezone(campaign.tenant.zone)
    midnight = datetime.combine(local.date(), time(0), campaign.tenant.zone)
    values = parameters | {
        "midnight": midnight,
        "not_since": not_since,
        "version": campaign.workflow_version,
    }
    with connection.cursor() as cursor:
        cursor.execute(ENROLLED_TODAY, values)
        room = cap - int(cursor.fetchone()[0])
        if room <= 0:
            return 0
        cursor.execute(OPEN_LAPSES, values)
        keep_up_with(cursor, SCANNED, campaign.tenant_id, int(cursor.fetchone()[0]))
        cursor.execute(ENROL, values | {"room": room})
        return int(cursor.fetchone()[0])
