"""No more to whom nothing reaches: so many messages, none answered by a visit, a click, a reply or a booking.

SQL for embedding among the facts of the guards, over ``a`` (asked) and ``s`` (the contact's sums). Only what left long
enough ago to have been read counts. Opens never do, and a click that a machine made is none. Ghosts count as if they
had left, so that both arms come under it alike. Whoever comes back, clicks or writes begins anew by that.
"""

GRACE_DAYS = 90
"""People read mail weeks later: what left since then is not held against anybody."""

UNANSWERED = f"""
  LEFT JOIN LATERAL (
        SELECT count(*) AS number, min(coalesce(m.handed_over_at, m.settled_at)) AS since
          FROM campaigns_message m
         WHERE m.tenant_id = %(tenant)s AND m.contact_id = a.contact_id AND m.channel = a.channel
           AND m.state IN ('handed_over', 'delivered', 'unknown', 'ghost')
           AND coalesce(m.handed_over_at, m.settled_at) <= %(now)s - interval '{GRACE_DAYS} days'
           AND coalesce(m.handed_over_at, m.settled_at) > greatest(s.last_job_at, (
                SELECT max(i.occurred_at) FROM campaigns_interaction i
                 WHERE i.tenant_id = %(tenant)s AND i.contact_id = a.contact_id
                   AND (i.kind IN ('replied', 'booked') OR i.kind = 'clicked'
                        AND coalesce(i.data ->> 'confidence', 'person') = 'person')), '-infinity')) unanswered ON true
"""
REFUSES = "f.unanswered >= %(sunset_sends)s::int"
FACTS = (
    "jsonb_strip_nulls(jsonb_build_object('unanswered', f.unanswered, 'since', f.unanswered_since, "
    "'most', %(sunset_sends)s::int))"
)
