"""Claim what is due of one campaign: every guard asked again, hours and caps kept, in one short transaction.

A claim is a lease with a token and a deadline. What may not leave is blocked with its evidence, what may not leave yet
is postponed to a stated moment. The evidence of what may is given back: it is written with that of its words, in the
statement that hands it over. Nothing is rendered or sent here.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.compliance import caps, legal_caps, ramp
from campaigns.compliance.asking import Asking
from campaigns.compliance.guards import CUSTOMER_CAME_FIRST, judged
from campaigns.compliance.quiet_hours import Hours
from campaigns.delivery.outbox import LEASE_SECONDS
from winback.tenancy import acting_for_all

NEVER_OPEN_WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Claim:
    """What was claimed, and what the claim did with the rest that it looked at."""

    token: UUID
    verdicts: dict[int, str] = field(default_factory=dict)
    """Of each claimed message, in their order, what every guard said: a JSON list."""
    looked_at: int = 0
    postponed: int = 0
    blocked: int = 0

    @property
    def message_ids(self) -> list[int]:
        return list(self.verdicts)


# Made once a connection: to make tables for each claim writes the catalog full, and costs more than to fill them. Some
# three kilobytes of text that are read back at once are not worth packing.
STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS claiming (
    id bigint PRIMARY KEY, channel text, household_id bigint, due_at timestamptz, country text, region text,
    zones text, domain text, refusal text, ended boolean, verdicts text, ordinal int, until timestamptz, why text,
    law text, cap text, ramp int
) WITH (toast_tuple_target = 8160) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS candidate (
    id bigint PRIMARY KEY, contact_id bigint, channel text, due_at timestamptz, lapsed_from timestamptz, ended_by text
) ON COMMIT DELETE ROWS;
DELETE FROM claiming;
DELETE FROM candidate
"""

# Rows that another worker looks at are left to it. Those of a paused campaign, or of a module or tenant that is not
# active, are not looked at: they keep their place. Asked at every claim: it can happen while a long run sends.
CANDIDATES = """
WITH due AS MATERIALIZED (
    SELECT m.id, m.contact_id, m.channel, m.due_at, m.enrolment_id
      FROM campaigns_message m
     WHERE m.tenant_id = %(tenant)s AND m.queue = 'due' AND m.campaign_id = %(campaign)s AND m.due_at <= %(now)s
       AND EXISTS (SELECT FROM campaigns_campaign c
                     JOIN tenants_moduleactivation a ON a.tenant_id = c.tenant_id AND a.id = c.activation_id
                     JOIN tenants_tenant t ON t.id = c.tenant_id
                    WHERE c.tenant_id = %(tenant)s AND c.id = %(campaign)s AND c.state = 'running'
                      AND a.state = 'activated' AND t.state = 'active')
     ORDER BY m.due_at, m.id
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED
)
INSERT INTO candidate (id, contact_id, channel, due_at, lapsed_from, ended_by)
SELECT due.id, due.contact_id, due.channel, due.due_at, d.lapsed_from, CASE WHEN e.state <> 'active' THEN e.ended_by END
  FROM due
  JOIN campaigns_enrolment e ON e.tenant_id = %(tenant)s AND e.id = due.enrolment_id
  JOIN campaigns_dormancyepisode d ON d.tenant_id = %(tenant)s AND d.id = e.episode_id
"""

# Of messages that were planned just now PostgreSQL believes that there are none, and would look every guard up for each
# pair of them: it is told how many are in the table.
COUNTED = "ANALYZE candidate"
LOOKED_AT = "ANALYZE claiming"

# What ends an enrolment cancels what it sees. A message that was being handed over then and came back, or was planned
# by a plan that had not committed, is found here.
LOOK = f"""
WITH asked AS (
    SELECT c.id AS ref, 0 AS place, c.contact_id, c.channel, %(brand)s::bigint AS brand_id, c.lapsed_from
      FROM candidate c
), judgement AS ({judged("claim")})
INSERT INTO claiming (id, channel, household_id, due_at, country, region, zones, domain, refusal, ended, verdicts)
SELECT c.id, c.channel, j.household_id, c.due_at, j.country, j.region, array_to_string(j.timezones, ','),
       CASE c.channel WHEN 'email' THEN coalesce(split_part(j.email_key, '@', 2), '') ELSE '' END,
       coalesce(c.ended_by, j.refusal), c.ended_by IS NOT NULL, j.verdicts
  FROM candidate c JOIN judgement j ON j.ref = c.id
"""

Place = tuple[str, str, str, str]
PLACES = "SELECT DISTINCT channel, country, region, zones FROM claiming WHERE refusal IS NULL"

CLOSED = """
UPDATE claiming c SET until = x.until, why = 'quiet_hours'
  FROM unnest(%(until_channels)s::text[], %(until_countries)s::text[], %(until_regions)s::text[],
              %(until_zones)s::text[], %(untils)s::timestamptz[]) AS x(channel, country, region, zones, until)
 WHERE c.refusal IS NULL AND c.channel = x.channel AND c.country = x.country AND c.region = x.region
   AND c.zones = x.zones
"""

SETTLE = """
WITH refused AS (
    UPDATE campaigns_message m
       SET state = CASE WHEN c.ended OR c.refusal = ANY(%(came_first)s) THEN 'cancelled' ELSE 'blocked' END,
           reason = c.refusal, verdicts = m.verdicts || c.verdicts::jsonb, settled_at = %(now)s
      FROM claiming c
     WHERE m.tenant_id = %(tenant)s AND m.id = c.id AND c.refusal IS NOT NULL
 RETURNING m.id, m.contact_id, m.state, m.reason, m.channel
), put_off AS (
    UPDATE campaigns_message m
       SET state = 'postponed', reason = c.why, due_at = c.until, settled_at = %(now)s,
           verdicts = m.verdicts || jsonb_build_object(
               'guard', c.why, 'version', CASE c.why WHEN 'frequency_cap' THEN 2 ELSE 1 END, 'when', 'claim',
               'at', %(now)s, 'channel', c.channel, 'allowed', false, 'reason', c.why,
               'facts', jsonb_strip_nulls(jsonb_build_object('until', c.until, 'rule', c.cap, 'law', c.law,
                                                             'a_day', c.ramp)))
      FROM claiming c
     WHERE m.tenant_id = %(tenant)s AND m.id = c.id AND c.refusal IS NULL AND c.until IS NOT NULL
 RETURNING m.id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'message.' || state, contact_id, 'message', id,
           jsonb_build_object('channel', channel, 'campaign', %(campaign)s::bigint, 'reason', reason), %(now)s
      FROM refused ORDER BY id
)
SELECT (SELECT count(*) FROM refused), (SELECT count(*) FROM put_off)
"""

_CAP = """'rule', 'household', 'most', %(cap_touches)s::int, 'days', %(cap_days)s::int, 'law', c.law"""


def _allowed(guard: str, version: int, facts: str) -> str:
    """SQL of one more verdict of a claimed message, as JSON text behind those that it has."""
    return (
        f"""', {{"guard": "{guard}", "version": {version}, "when": "claim", "allowed": true, "channel": "'"""
        f""" || c.channel || '", "at": "' || %(at)s || '", "facts": '"""
        f""" || jsonb_strip_nulls(jsonb_build_object({facts})) || '}}'"""
    )


TAKE = f"""
WITH touched AS ({caps.RESERVE})
UPDATE campaigns_message m
   SET state = 'claimed', claim_token = %(token)s, reason = '', settled_at = %(now)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
  FROM claiming c
 WHERE m.tenant_id = %(tenant)s AND m.id = c.id AND c.id IN (SELECT message_id FROM touched)
RETURNING m.id, left(c.verdicts, -1)
          || {_allowed("quiet_hours", 1, "'zones', c.zones")}
          || {_allowed("frequency_cap", 2, _CAP)}
          || CASE WHEN c.ramp IS NULL THEN '' ELSE {_allowed("ramp", 1, "'a_day', c.ramp")} END || ']'
"""


def claim(asking: Asking, *, hours: Hours, limit: int, slow_start: bool = False) -> Claim:
    """Claim at most ``limit`` due messages of the campaign. Inside an open scope, which commits the claim.

    ``slow_start``: its e-mails leave through a sender whom the mailbox providers have yet to get to know (ramp.py).
    """
    token = uuid4()
    values: dict[str, Any] = asking.parameters() | {
        "limit": limit,
        "token": token,
        "lease": LEASE_SECONDS,
        "came_first": list(CUSTOMER_CAME_FIRST),
    }
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        cursor.execute(CANDIDATES, values)
        if not cursor.rowcount:
            return Claim(token)
        cursor.execute(COUNTED)
        cursor.execute(LOOK, values)
        looked_at = cursor.rowcount
        cursor.execute(LOOKED_AT)
        cursor.execute(PLACES)
        places: list[Place] = cursor.fetchall()
        _keep_quiet_hours(cursor, asking, hours, places)
        if slow_start:
            values |= ramp.parameters(asking)
            cursor.execute(ramp.BRING_TO_TODAY, values)
            cursor.execute(ramp.KEEP, values)
        values |= legal_caps.parameters((place[:3] for place in places), on=asking.today)
        cursor.execute(caps.KEEP_CAPS, values)
        cursor.execute(SETTLE, values)
        blocked, postponed = cursor.fetchone()
        cursor.execute(TAKE, values)
        claimed = dict(sorted(cursor.fetchall()))
    return Claim(token, claimed, looked_at, postponed, blocked)


def _keep_quiet_hours(cursor: CursorWrapper, asking: Asking, hours: Hours, places: list[Place]) -> None:
    """Put off what falls outside the hours where its recipient lives: one question a place, not one a person."""
    closed: list[tuple[str, str, str, str, datetime]] = []
    for channel, country, region, zones in places:
        opens = hours.next_allowed(
            channel,
            country,
            region,
            tuple(zones.split(",")) if zones else (),
            asking.now,
            courteous=asking.courteous_email,
            otherwise=(asking.tenant.timezone,),
        )
        until = opens if opens is not None else asking.now + NEVER_OPEN_WAIT
        if until > asking.now:
            closed.append((channel, country, region, zones, until))
    if closed:
        names = ("until_channels", "until_countries", "until_regions", "until_zones", "untils")
        cursor.execute(CLOSED, dict(zip(names, map(list, zip(*closed, strict=True)), strict=True)))


DUE = """
SELECT DISTINCT c.tenant_id
  FROM campaigns_campaign c
  JOIN tenants_moduleactivation a ON a.tenant_id = c.tenant_id AND a.id = c.activation_id AND a.state = 'activated'
  JOIN tenants_tenant t ON t.id = c.tenant_id AND t.state = 'active'
 CROSS JOIN LATERAL (
       SELECT FROM campaigns_message m
        WHERE m.tenant_id = c.tenant_id AND m.queue = 'due' AND m.campaign_id = c.id AND m.due_at <= %(now)s
        LIMIT 1) waiting
 WHERE c.state = 'running'
 ORDER BY c.tenant_id
"""


def tenants_with_due(*, now: datetime) -> list[int]:
    """The tenants that have something to send now, in one look over all of them. Opens its own scope."""
    with acting_for_all("look for what is due"), connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now})
        return [row[0] for row in cursor.fetchall()]
