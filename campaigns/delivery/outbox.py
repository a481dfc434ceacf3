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
from winback.tenancy import prepared_statement

LEASE_SECONDS = 300

SEPARATOR = "\x1e"
"""Between the texts of a group, which go as one parameter: an array of them would be quoted element by element in
Python, which costs more than the statement does. (ASCII's record separator; taken out of the texts.)"""


def _its(name: str, kind: str = "") -> str:
    """SQL of what a list of the group, of texts or of another kind, says of the message ``m``.

    The list is taken to pieces once a statement. A place is counted rather than joined: a plan that is made once knows
    of no group how large it is, and would go through all of it for each of its messages.
    """
    pieces = f"%({name})s::{kind}[]" if kind else f"(string_to_array(%({name})s, chr(30)))[2:]"
    return f"((SELECT {pieces})[array_position(%(ids)s::bigint[], m.id)])"


def joined(texts: Iterable[str]) -> str:
    """The texts as one parameter; each stands behind a separator, so that a single empty one is not none."""
    return "".join([SEPARATOR + text.replace(SEPARATOR, " ") for text in texts])


# The only list that may leave. What a person can do between the claim and this moment (stop, pause, opt out, have
# another address) is asked once more here, because rendering a whole claim takes time. The evidence of what leaves is
# written before it does, so that a crash does not lose it.
HAND_OVER = f"""
UPDATE campaigns_message m
   SET state = 'handing_over', attempts = m.attempts + 1, connection_id = %(connection)s,
       address_hmac = nullif({_its("addresses")}, ''),
       subject = left({_its("subjects")}, 300), content_sha256 = {_its("digests")},
       segments = {_its("segments", "int")}, cost_minor = {_its("costs", "bigint")},
       verdicts = m.verdicts || {_its("verdicts")}::jsonb,
       lease_until = clock_timestamp() + make_interval(secs => %(lease)s), settled_at = %(now)s
  FROM campaigns_campaign c, campaigns_enrolment e, campaigns_contact k
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(ids)s)
   AND m.state = 'claimed' AND m.claim_token = %(claim)s AND m.lease_until > clock_timestamp()
   AND m.arm = 'treated'
   AND c.id = m.campaign_id AND c.state = 'running'
   AND e.id = m.enrolment_id AND e.state = 'active'
   AND k.id = m.contact_id AND k.state = 'active'
   AND {_its("addresses")} = coalesce(CASE WHEN m.channel = 'sms' THEN k.phone_hmac ELSE k.email_hmac END, '')
   AND NOT EXISTS (SELECT FROM campaigns_suppression s
                    WHERE s.tenant_id = m.tenant_id AND s.lifted_at IS NULL
                      AND s.channel IN (m.channel, 'all')
                      AND (s.brand_id IS NULL OR s.brand_id = c.brand_id)
                      AND s.address_hmac IN (k.email_hmac, k.phone_hmac))
   AND NOT EXISTS (SELECT FROM campaigns_platformsuppression s
                    WHERE s.lifted_at IS NULL AND s.channel IN (m.channel, 'all')
                      AND s.address_hmac IN (k.email_hmac, k.phone_hmac))
RETURNING m.id
"""

# What another host called unknown meanwhile keeps its claim: whoever knows better, because its link was only down or
# its journal is still there, may say so.
_WITH_EVIDENCE = f"""
           subject = coalesce(nullif(left({_its("subjects")}, 300), ''), m.subject),
           content_sha256 = coalesce(nullif({_its("digests")}, ''), m.content_sha256),
           segments = coalesce({_its("segments", "int")}, m.segments),
           verdicts = CASE WHEN {_its("verdicts")} = '[]' THEN m.verdicts
                           ELSE m.verdicts || {_its("verdicts")}::jsonb END,"""


def _record(evidence: str = "") -> str:
    return f"""
WITH moved AS (
    UPDATE campaigns_message m
       SET state = {_its("states")}, reason = {_its("reasons")}, provider_id = {_its("provider_ids")},{evidence}
           cost_minor = CASE WHEN {_its("states")} IN ('handed_over', 'unknown') THEN m.cost_minor ELSE 0 END,
           error = left({_its("errors")}, 300), lease_until = NULL, settled_at = %(now)s,
           claim_token = CASE WHEN {_its("states")} = 'unknown' THEN m.claim_token END,
           handed_over_at = CASE WHEN {_its("states")} IN ('handed_over', 'unknown') THEN %(now)s::timestamptz END
     WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(ids)s)
       AND m.state = ANY(%(from_states)s) AND m.claim_token = %(claim)s
       AND (m.state <> 'unknown' OR {_its("states")} <> 'unknown')
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


RECORD, RECORD_WITH_EVIDENCE = _record(), _record(_WITH_EVIDENCE)

# What was not tried used no attempt, and the claim's verdicts were about nothing: a message that waits for its
# connection is claimed every quarter of an hour. What postponed it stays.
RELEASE = """
UPDATE campaigns_message m
   SET state = CASE WHEN %(due)s::timestamptz IS NULL THEN 'planned' ELSE 'postponed' END,
       reason = %(reason)s, due_at = greatest(m.due_at, %(due)s), claim_token = NULL, lease_until = NULL,
       settled_at = %(now)s,
       attempts = m.attempts - CASE WHEN m.state = 'handing_over' AND NOT %(tried)s THEN 1 ELSE 0 END,
       verdicts = CASE WHEN %(tried)s THEN m.verdicts ELSE coalesce((
           SELECT jsonb_agg(v.verdict ORDER BY v.place)
             FROM jsonb_array_elements(m.verdicts) WITH ORDINALITY AS v(verdict, place)
            WHERE (v.verdict ->> 'when' IN ('claim', 'send') AND v.verdict -> 'allowed' = 'true') IS NOT TRUE),
           '[]') END
 WHERE m.tenant_id = %(tenant)s AND m.claim_token = %(claim)s AND m.state = ANY(%(from_states)s)
   AND (%(messages)s::bigint[] IS NULL OR m.id = ANY(%(messages)s))
RETURNING m.id
"""

# The touch of a message that went back to planned did not happen.
UNTOUCH = "DELETE FROM campaigns_touch WHERE tenant_id = %(tenant)s AND message_id = ANY(%(messages)s)"


@dataclass(frozen=True)
class Evidence:
    """What a message says and why it may, in the form in which it stays on its row."""

    message_id: int
    subject: str = ""
    content_sha256: str = ""
    segments: int | None = None
    verdicts: str = "[]"
    cost_minor: int = 0
    address_hmac: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one claimed message; ``evidence`` where it is not on the row yet."""

    message_id: int
    state: Message.State
    reason: str = ""
    provider_id: str = ""
    error: str = ""
    evidence: Evidence | None = None


def begin_hand_over(
    tenant_id: int, group: Sequence[Evidence], *, claim: UUID, connection_id: int | None, now: datetime
) -> set[int]:
    """Move this group to ``handing_over`` with its evidence, and return those that may leave."""
    values = _evidence(group) | {
        "tenant": tenant_id,
        "costs": [each.cost_minor for each in group],
        "addresses": joined(each.address_hmac for each in group),
        "claim": claim,
        "connection": connection_id,
        "lease": LEASE_SECONDS,
        "now": now,
    }
    return {row[0] for row in prepared_statement(HAND_OVER, values)}


def _evidence(group: Sequence[Evidence]) -> dict[str, Any]:
    return {
        "ids": [each.message_id for each in group],
        "subjects": joined(each.subject for each in group),
        "digests": joined(each.content_sha256 for each in group),
        "segments": [each.segments for each in group],
        "verdicts": joined(each.verdicts for each in group),
    }


def record_outcomes(
    tenant_id: int,
    outcomes: Sequence[Outcome],
    *,
    claim: UUID,
    now: datetime,
    from_states: Iterable[str] = (Message.State.CLAIMED, Message.State.HANDING_OVER, Message.State.UNKNOWN),
) -> Mapping[str, int]:
    """Record what came back, in one statement; returns how many reached each state."""
    if not outcomes:
        return {}
    known = any(outcome.evidence for outcome in outcomes)  # of what was handed over it is on the row
    evidence = _evidence([outcome.evidence or Evidence(outcome.message_id) for outcome in outcomes]) if known else {}
    parameters = evidence | {
        "ids": [outcome.message_id for outcome in outcomes],
        "tenant": tenant_id,
        "claim": claim,
        "now": now,
        "from_states": list(from_states),
        "states": joined(str(outcome.state) for outcome in outcomes),
        "reasons": joined(outcome.reason for outcome in outcomes),
        "provider_ids": joined(outcome.provider_id[:200] for outcome in outcomes),
        "errors": joined(outcome.error for outcome in outcomes),
    }
    return dict(prepared_statement(RECORD_WITH_EVIDENCE if known else RECORD, parameters))


def release(
    tenant_id: int,
    *,
    claim: UUID,
    now: datetime,
    from_states: Iterable[str] = (Message.State.CLAIMED, Message.State.HANDING_OVER),
    message_ids: Sequence[int] | None = None,
    until: datetime | None = None,
    reason: str = "",
    tried: bool = False,
) -> int:
    """Give back claimed messages that never left, with their place under the caps; returns how many.

    They are ``planned`` again at once, or ``postponed`` until the moment given, for the reason given. ``tried``: the
    provider was asked about these very messages, which used up an attempt of each.
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
                "tried": tried,
            },
        )
        released = [row[0] for row in cursor.fetchall()]
        if released:
            cursor.execute(UNTOUCH, {"tenant": tenant_id, "messages": released})
    return len(released)


SETTLE_UNKNOWN = """
UPDATE campaigns_message m
   SET state = %(state)s, reason = '', error = '', claim_token = NULL, settled_at = %(now)s,
       handed_over_at = CASE WHEN %(state)s = 'handed_over' THEN m.handed_over_at END
 WHERE m.tenant_id = %(tenant)s AND m.id = ANY(%(messages)s) AND m.state = 'unknown'
RETURNING m.id
"""


def settle_unknown(tenant_id: int, message_ids: Sequence[int], state: Message.State, *, now: datetime) -> int:
    """What turned out about messages of which nothing was known; returns how many were still unknown."""
    if not message_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            SETTLE_UNKNOWN, {"tenant": tenant_id, "messages": list(message_ids), "state": str(state), "now": now}
        )
        settled = [row[0] for row in cursor.fetchall()]
        if settled and state == Message.State.PLANNED:
            cursor.execute(UNTOUCH, {"tenant": tenant_id, "messages": settled})
    return len(settled)
