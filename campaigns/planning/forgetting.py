"""What was planned for people who are erased, and what the messages that left say: their states and costs stay.

What has not left is cancelled. What is being handed over at this moment cannot be called back: it is counted, stays
with its sender, and is emptied once that has recorded what became of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment, Message

# Verdicts stay with guard, version, answer and time; the facts name tags, sources and places.
FORGET = """
WITH done AS (
    UPDATE campaigns_message m
       SET subject = '', error = '', content_sha256 = '',
           provider_id = CASE WHEN m.state = 'handing_over' THEN m.provider_id ELSE '' END,
           verdicts = (SELECT coalesce(jsonb_agg(v.verdict - 'facts' ORDER BY v.place), '[]')
                         FROM jsonb_array_elements(m.verdicts) WITH ORDINALITY AS v(verdict, place)),
           reason = CASE WHEN m.state IN ('planned', 'postponed', 'claimed') THEN 'contact_erased' ELSE m.reason END,
           settled_at = CASE WHEN m.state IN ('planned', 'postponed', 'claimed') THEN %(now)s ELSE m.settled_at END,
           claim_token = CASE WHEN m.state = 'claimed' THEN NULL ELSE m.claim_token END,
           lease_until = CASE WHEN m.state = 'claimed' THEN NULL ELSE m.lease_until END,
           state = CASE WHEN m.state IN ('planned', 'postponed', 'claimed') THEN 'cancelled' ELSE m.state END
     WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(people)s)
 RETURNING m.id, m.state
)
SELECT count(*), count(*) FILTER (WHERE state = 'handing_over') FROM done
"""


@dataclass(frozen=True)
class Forgotten:
    """How many messages were emptied and enrolments ended; ``leaving`` are on their way at this moment."""

    messages: int
    enrolments: int
    leaving: int


MOVE_OUT = """
UPDATE campaigns_message m SET household_id = x.new
  FROM unnest(%(contacts)s::bigint[], %(old)s::bigint[], %(new)s::bigint[]) AS x(contact_id, old, new)
 WHERE m.tenant_id = %(tenant)s AND m.contact_id = x.contact_id AND m.household_id = x.old
"""


def move_out(tenant_id: int, moved: Sequence[tuple[int, int, int]]) -> None:
    """Let their messages go with them to the households of their own (contact, household until now, and from now)."""
    columns = dict(zip(("contacts", "old", "new"), map(list, zip(*moved, strict=True)), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(MOVE_OUT, {"tenant": tenant_id, **columns})


def digests_of(tenant_id: int, people: Sequence[int]) -> set[str]:
    """The digests of every address that they were written to at."""
    rows = Message.objects.for_tenant(tenant_id).filter(contact__in=people, address_hmac__isnull=False)
    return {digest for digest in rows.values_list("address_hmac", flat=True) if digest}


def forget(tenant_id: int, people: Sequence[int], *, now: datetime) -> Forgotten:
    """End their sequences, cancel what is planned, and empty the rest."""
    ended = end_enrolments(tenant_id, contact_ids=people, ended_by=Enrolment.EndedBy.EPISODE_CLOSED, now=now)
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"tenant": tenant_id, "people": list(people), "now": now})
        messages, leaving = cursor.fetchone()
    return Forgotten(messages, ended, leaving)
