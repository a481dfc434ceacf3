"""The rows of messages on their way: hand a small group over, record what came back, and settle after a crash.

Every move of state asks for the state it leaves, so a late answer cannot overwrite a newer one. Leases alone use the
database's clock: they are about processes, not about customers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from campaigns.planning.models import Message

LEASE_SECONDS = 300

# The only list that may leave. What a person can do between the claim and this moment (stop, pause, opt out) is asked
# once more here, because rendering a whole claim takes time.
HAND_OVER = """
UPDATE campaigns_message m
   SET state = 'handing_over', attempts = m.attempts + 1, connection_id = %(connection)s,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s), settled_at = %(now)s
  FROM campaigns_campaign c, campaigns_enrolment e, campaigns_contact k
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s)
   AND m.state = 'claimed' AND m.claim_token = %(claim)s AND m.lease_until > clock_timestamp()
   AND m.arm = 'treated'
   AND c.id = m.campaign_id AND c.state = 'running'
   AND e.id = m.enrolment_id AND e.state = 'active'
   AND k.id = m.contact_id AND k.state = 'active'
   AND NOT EXISTS (SELECT FROM campaigns_suppression s
                    WHERE s.tenant_id = m.tenant_id AND s.lifted_at IS NULL
                      AND s.channel IN (m.channel, 'all')
                      AND (s.brand_id IS NULL OR s.brand_id = c.brand_id)
                      AND s.address_hmac IN (k.email_hmac, k.phone_hmac))
RETURNING m.id
"""

RECORD = """
WITH r AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(reasons)s::text[], %(provider_ids)s::text[],
                         %(subjects)s::text[], %(digests)s::text[], %(segments)s::int[], %(verdicts)s::jsonb[],
                         %(errors)s::text[])
        AS r(id, state, reason, provider_id, subject, digest, segments, verdicts, error)
), moved AS (
    UPDATE campaigns_message m
       SET state = r.state, reason = r.reason, provider_id = r.provider_id, subject = left(r.subject, 300),
           content_sha256 = r.digest, segments = r.segments, verdicts = m.verdicts || r.verdicts,
           error = left(r.error, 300), claim_token = NULL, lease_until = NULL, settled_at = %(now)s,
           handed_over_at = CASE WHEN r.state IN ('handed_over', 'unknown') THEN %(now)s END
      FROM r
     WHERE m.tenant_id = %(tenant)s AND m.id = r.id
       AND m.state = ANY(%(from_states)s) AND m.claim_token = %(claim)s
 RETURNING m.id, m.tenant_id, m.contact_id, m.state, m.reason, m.channel, m.campaign_id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT tenant_id, 'message.' || state, contact_id, 'message', id,
           jsonb_strip_nulls(jsonb_build_object('channel', channel, 'campaign', campaign_id,
                                                'reason', nullif(reason, ''))), %(now)s
      FROM moved ORDER BY id
)
SELECT state, count(*) FROM moved GROUP BY state
"""

RELEASE = """
UPDATE campaigns_message m
   SET state = CASE WHEN %(due)s::timestamptz IS NULL THEN 'planned' ELSE 'postponed' END,
       reason = %(reason)s, due_at = greatest(m.due_at, %(due)s), claim_token = NULL, lease_until = NULL,
       settled_at = %(now)s
 WHERE m.tenant_id = %(tenant)s AND m.claim_token = %(claim)s AND m.state = ANY(%(from_states)s)
   AND (%(messages)s::bigint[] IS NULL OR m.id = ANY(%(messages)s))
RETURNING m.id
"""

# The touch of a message that went back to planned did not happen.
UNTOUCH = "DELETE FROM campaigns_touch WHERE tenant_id = %(tenant)s AND message_id = ANY(%(messages)s)"


@dataclass(frozen=True)
class Outcome:
    """What became of one claimed message."""

    message_id: int
    state: Message.State
    reason: str = ""
    provider_id: str = ""
    subject: str = ""
    content_sha256: str = ""
    segments: int | None = None
    verdicts: str = "[]"
    error: str = ""


def begin_hand_over(
    tenant_id: int, message_ids: Sequence[int], *, claim: UUID, connection_id: int | None, now: datetime
) -> set[int]:
    """Move this group to ``handing_over`` and return those that may leave."""
    with connection.cursor() as cursor:
        cursor.execute(
            HAND_OVER,
            {
                "tenant": tenant_id,
                "messages": list(message_ids),
                "claim": claim,
                "connection": connection_id,
                "lease": LEASE_SECONDS,
                "now": now,
            },
        )
        return {row[0] for row in cursor.fetchall()}


def record_outcomes(
    tenant_id: int,
    outcomes: Sequence[Outcome],
    *,
    claim: UUID,
    now: datetime,
    from_states: Iterable[str] = (Message.State.CLAIMED, Message.State.HANDING_OVER),
) -> Mapping[str, int]:
    """Record what came back, in one statement; returns how many reached each state."""
    if not outcomes:
        return {}
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "claim": claim,
        "now": now,
        "from_states": list(from_states),
        "ids": [outcome.message_id for outcome in outcomes],
        "states": [str(outcome.state) for outcome in outcomes],
        "reasons": [outcome.reason for outcome in outcomes],
        "provider_ids": [outcome.provider_id[:200] for outcome in outcomes],
        "subjects": [outcome.subject for outcome in outcomes],
        "digests": [outcome.content_sha256 for outcome in outcomes],
        "segments": [outcome.segments for outcome in outcomes],
        "verdicts": [outcome.verdicts for outcome in outcomes],
        "errors": [outcome.error for outcome in outcomes],
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, parameters)
        return dict(cursor.fetchall())


def release(
    tenant_id: int,
    *,
    claim: UUID,
    now: datetime,
    from_states: Iterable[str] = (Message.State.CLAIMED, Message.State.HANDING_OVER),
    message_ids: Sequence[int] | None = None,
    until: datetime | None = None,
    reason: str = "",
) -> int:
    """Give back claimed messages that never left, with their place under the caps; returns how many.

    They are ``planned`` again at once, or ``postponed`` until the moment given, for the reason given.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            RELEASE,
            {
                "tenant": tenant_id,
                "claim": claim,
                "now": now,
                "from_states": list(from_states),
                "messages": list(message_ids) if message_ids is not None else None,
                "due": until,
                "reason": reason,
            },
        )
        released = [row[0] for row in cursor.fetchall()]
        if released:
            cursor.execute(UNTOUCH, {"tenant": tenant_id, "messages": released})
    return len(released)
