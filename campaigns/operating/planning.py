"""Plan: end the enrolments that are over, enrol open lapses, and plan the steps that are due, with every guard asked.

A step becomes one message row under (enrolment, step): over its channel, else over its fallback, else blocked with the
reason. Held-out enrolments get the same rows by the same statement; theirs will be ghosts.
"""

from collections import Counter
from datetime import datetime

from django.db import connection

from campaigns.audience.business import jobs_since
from campaigns.audience.tagging import set_managed
from campaigns.compliance.asking import Asking, asking_of
from campaigns.compliance.guards import CUSTOMER_CAME_FIRST, judged
from campaigns.planning.campaigning import ensure_campaigns
from campaigns.planning.ending import end_enrolments
from campaigns.planning.enrolling import enrol
from campaigns.planning.models import Campaign, Enrolment
from tenants.accounts.models import Tenant
from winback import statistics

BATCH = 5_000
EXHAUSTED_TAG = "winback:exhausted"

# Enrolments that something outside the sequence has ended, and what it was.
OVER = f"""
SELECT e.contact_id,
       CASE WHEN k.state <> 'active' OR d.state = 'closed' AND d.closed_by <> 'business' THEN 'episode_closed'
            WHEN d.state = 'closed' OR newer.job THEN 'business'
            WHEN s.scheduled_at > %(now)s THEN 'booking'
            ELSE 'do_not_contact' END
  FROM campaigns_enrolment e
  JOIN campaigns_dormancyepisode d ON d.tenant_id = %(tenant)s AND d.id = e.episode_id
  JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = e.contact_id
  LEFT JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = e.contact_id
  LEFT JOIN LATERAL (
        -- Business that attributing has not seen yet: such a customer came back, and is not exhausted.
        SELECT true AS job {jobs_since("d.lapsed_from", "e.contact_id")}
         LIMIT 1) newer ON true
 WHERE e.tenant_id = %(tenant)s AND e.campaign_id = %(campaign)s AND e.state = 'active'
   AND (d.state = 'closed' OR newer.job OR k.state <> 'active' OR s.scheduled_at > %(now)s
        OR EXISTS (SELECT FROM campaigns_contacttag t
                    WHERE t.tenant_id = %(tenant)s AND t.contact_id = e.contact_id
                      AND t.name = ANY(%(forbidding_tags)s) AND (t.expires_at IS NULL OR t.expires_at > %(now)s)))
"""

# Through every step and nothing left on its way: the sequence is exhausted.
EXHAUSTED = """
SELECT e.contact_id, e.arm
  FROM campaigns_enrolment e
 WHERE e.tenant_id = %(tenant)s AND e.campaign_id = %(campaign)s AND e.state = 'active' AND e.next_action_at <= %(now)s
   AND NOT EXISTS (SELECT FROM campaigns_step p
                    WHERE p.tenant_id = %(tenant)s AND p.campaign_id = e.campaign_id
                      AND p.workflow_version = e.workflow_version AND p.position >= e.position)
   AND NOT EXISTS (SELECT FROM campaigns_message m
                    WHERE m.tenant_id = %(tenant)s AND m.enrolment_id = e.id
                      AND m.state IN ('planned', 'postponed', 'claimed', 'handing_over'))
"""

# A step waits while the one before it has not left: no second message overtakes a postponed first one, and a day lies
# between two that were. Days are counted on the tenant's calendar, so that a change of clocks moves nothing.
STAGE_DUE = """
DROP TABLE IF EXISTS due;
CREATE TEMPORARY TABLE due ON COMMIT DROP AS
WITH found AS MATERIALIZED (
    SELECT e.id, e.contact_id, e.arm, e.workflow_version, e.enrolled_at, d.lapsed_from, k.household_id,
           p.id AS step_id, p.code AS step_code, p.position, p.channel, p.fallback_channel, p.with_offer,
           greatest(e.next_action_at, (
               SELECT max(CASE m.state WHEN 'ghost' THEN m.settled_at ELSE m.handed_over_at END) + interval '1 day'
                 FROM campaigns_message m
                WHERE m.tenant_id = %(tenant)s AND m.enrolment_id = e.id)) AS due_at
      FROM campaigns_enrolment e
      JOIN campaigns_dormancyepisode d ON d.tenant_id = %(tenant)s AND d.id = e.episode_id
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = e.contact_id
      JOIN campaigns_step p ON p.tenant_id = %(tenant)s AND p.campaign_id = e.campaign_id
           AND p.workflow_version = e.workflow_version AND p.position = e.position
     WHERE e.tenant_id = %(tenant)s AND e.campaign_id = %(campaign)s AND e.state = 'active'
       AND e.next_action_at <= %(now)s
       AND NOT EXISTS (SELECT FROM campaigns_message m
                        WHERE m.tenant_id = %(tenant)s AND m.enrolment_id = e.id
                          AND m.state IN ('planned', 'postponed', 'claimed', 'handing_over'))
     ORDER BY e.next_action_at, e.id
     LIMIT %(batch)s
       FOR UPDATE OF e SKIP LOCKED
)
SELECT * FROM found;
ANALYZE due
"""

# From a table that PostgreSQL has counted: of what was written just now it believes that there is one row, and would
# join everything below pair by pair.
PLAN_STEPS = f"""
WITH asked AS (
    SELECT due.id AS ref, way.place, due.contact_id, way.channel, %(brand)s::bigint AS brand_id, due.lapsed_from
      FROM due, LATERAL (VALUES (0, due.channel), (1, due.fallback_channel)) AS way(place, channel)
     WHERE way.channel <> ''
), judgement AS MATERIALIZED ({judged("plan")}
), decided AS MATERIALIZED (
    -- One pass: a channel that may be used before one that may not, the first before its fallback. The evidence is of
    -- the channels up to the one that was taken: a fallback that was not needed was not asked for. What is planned has
    -- only why the first channel was passed over: the claim asks everything again and keeps every answer.
    SELECT j.ref,
           (array_agg(j.channel ORDER BY j.refusal IS NOT NULL, j.place))[1] AS channel,
           (array_agg(j.refusal ORDER BY j.refusal IS NOT NULL, j.place))[1] AS refusal,
           (array_agg(j.verdicts ORDER BY j.place))[1]::jsonb
           || CASE WHEN (array_agg(j.refusal ORDER BY j.place))[1] IS NULL THEN '[]'
                   ELSE coalesce((array_agg(j.verdicts ORDER BY j.place))[2]::jsonb, '[]') END AS verdicts
      FROM judgement j
     GROUP BY j.ref
), made AS (
    INSERT INTO campaigns_message
           (tenant_id, campaign_id, enrolment_id, contact_id, household_id, step_id, step_code, channel, variant_id,
            offer_id, arm, state, reason, due_at, first_due_at, verdicts, attempts, provider_id, subject,
            content_sha256, cost_minor, error, planned_at, settled_at)
    SELECT %(tenant)s, %(campaign)s, due.id, due.contact_id, due.household_id, due.step_id, due.step_code,
           decided.channel, wording.id, CASE WHEN due.with_offer THEN %(offer)s::bigint END, due.arm,
           CASE WHEN decided.refusal IS NULL THEN 'planned'
                WHEN decided.refusal = ANY(%(came_first)s) THEN 'cancelled' ELSE 'blocked' END,
           coalesce(decided.refusal, ''), due.due_at, due.due_at,
           CASE WHEN decided.refusal IS NULL
                THEN jsonb_path_query_array(decided.verdicts, '$[*] ? (@.allowed == false)')
                ELSE decided.verdicts END,
           0, '', '', '', 0, '', %(now)s, %(now)s
      FROM due
      JOIN decided ON decided.ref = due.id
      LEFT JOIN LATERAL (
            -- By weight, and the same one whenever it is asked again.
            SELECT w.id FROM (
                SELECT v.id, v.code, sum(v.weight) OVER (ORDER BY v.code) AS upto, sum(v.weight) OVER () AS whole
                  FROM campaigns_variant v
                 WHERE v.tenant_id = %(tenant)s AND v.step_id = due.step_id AND v.channel = decided.channel) w
             WHERE ('x' || substr(md5(due.id || due.step_code), 1, 7))::bit(28)::int %% w.whole < w.upto
             ORDER BY w.code LIMIT 1) wording ON true
     ORDER BY due.id
    ON CONFLICT (tenant_id, enrolment_id, step_code) DO NOTHING
    RETURNING id, contact_id, arm, state, reason, channel
), advanced AS (
    UPDATE campaigns_enrolment e
       SET position = due.position + 1,
           next_action_at = coalesce(
               (SELECT ((e.enrolled_at AT TIME ZONE %(zone)s) + make_interval(days => n.day)) AT TIME ZONE %(zone)s
                  FROM campaigns_step n
                 WHERE n.tenant_id = %(tenant)s AND n.campaign_id = e.campaign_id
                   AND n.workflow_version = e.workflow_version AND n.position > due.position
                 ORDER BY n.position LIMIT 1), %(now)s)
      FROM due
     WHERE e.tenant_id = %(tenant)s AND e.id = due.id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'message.' || state, contact_id, 'message', id,
           jsonb_build_object('channel', channel, 'campaign', %(campaign)s::bigint, 'reason', reason), %(now)s
      FROM made WHERE state IN ('blocked', 'cancelled') ORDER BY id
)
SELECT CASE WHEN state = 'planned' AND arm = 'held_out' THEN 'ghost' ELSE state END, count(*)
  FROM made GROUP BY 1
 UNION ALL SELECT 'due', count(*) FROM due
"""


def plan(tenant: Tenant, *, now: datetime) -> dict[str, int]:
    """Plan for every active module of the tenant; returns enrolled, planned, blocked and ghost.

    Inside an open scope of the tenant. Two at once: the second waits, then finds nothing left to do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('winback.plan'), %s)", [tenant.pk])
    statistics.keep_up()
    counts: Counter[str] = Counter()
    for campaign in ensure_campaigns(tenant, now=now):
        campaign.tenant = tenant
        asking = asking_of(campaign, now=now)
        end_what_is_over(asking)
        if campaign.state == Campaign.State.RUNNING:
            counts["enrolled"] += _enrol(asking)
            counts.update(_plan_steps(asking))
            _exhaust(asking)
    return {key: counts[key] for key in ("enrolled", "planned", "blocked", "ghost")}


def end_what_is_over(asking: Asking) -> int:
    """End the enrolments whose lapse is closed, whose contact booked, is gone or must not be written to."""
    over: dict[str, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(OVER, asking.parameters())
        for contact_id, ended_by in cursor.fetchall():
            over.setdefault(ended_by, []).append(contact_id)
    return sum(
        end_enrolments(asking.tenant.pk, contact_ids=contacts, ended_by=ended_by, now=asking.now)
        for ended_by, contacts in sorted(over.items())
    )


def _enrol(asking: Asking) -> int:
    settings = asking.campaign.activation.settings
    return enrol(
        asking.campaign,
        now=asking.now,
        parameters=asking.parameters(),
        cap=settings.get("daily_enrolment_cap", 200),
        not_since=asking.not_enrolled_since,
    )


def _plan_steps(asking: Asking) -> Counter[str]:
    offer = asking.campaign.offer
    expired = offer is not None and offer.expires_on is not None and offer.expires_on < asking.today
    values = asking.parameters() | {
        "batch": BATCH,
        "offer": offer.pk if offer is not None and not expired else None,
        "came_first": list(CUSTOMER_CAME_FIRST),
    }
    counts: Counter[str] = Counter()
    with connection.cursor() as cursor:
        while True:
            cursor.execute(STAGE_DUE, values)
            cursor.execute(PLAN_STEPS, values)
            made = dict(cursor.fetchall())
            due = made.pop("due")
            counts.update(made)
            if due < BATCH:
                return counts
            # The messages of this batch are looked up by the next one, which would read them all for each enrolment.
            statistics.keep_up()


def _exhaust(asking: Asking) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EXHAUSTED, asking.parameters())
        rows = cursor.fetchall()
    if not rows:
        return
    end_enrolments(
        asking.tenant.pk,
        contact_ids=[contact for contact, _ in rows],
        ended_by=Enrolment.EndedBy.EXHAUSTED,
        now=asking.now,
    )
    treated = [contact for contact, arm in rows if arm == "treated"]
    set_managed(asking.tenant.pk, EXHAUSTED_TAG, treated, now=asking.now, source="campaign")
