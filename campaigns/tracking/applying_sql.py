"""The statements that apply what providers report: staged rows to interactions, states, suppressions.

A message's state only ever rises, by the rank of what is known of it, so that reports in any order, twice, or from two
appliers end in the same state. Whatever else a report causes hangs on its interaction being new.
"""

from campaigns.audience.suppressing import HELD
from campaigns.tracking.models import Interaction

COLUMNS = (
    "place", "item_id", "connection_id", "channel", "kind", "key", "reference_id", "referenced", "provider_id",
    "address", "digest", "bounce", "code", "data", "occurred_at",
)  # fmt: skip

# Reports that become an interaction; the rest only settle what was unknown. Texts that people send have a room of
# their own (replying.py).
KEPT = tuple(str(kind) for kind in Interaction.Kind if kind != Interaction.Kind.BOOKED)

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS reported (
    place int, item_id bigint, connection_id bigint, channel text, kind text, key text, reference_id bigint,
    referenced boolean, provider_id text, address text, digest text, bounce text, code text, data jsonb,
    occurred_at timestamptz
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS matched (
    place int, item_id bigint, connection_id bigint, channel text, kind text, key text, provider_id text, address text,
    digest text, bounce text, code text, occurred_at timestamptz, message_id bigint, contact_id bigint, sent_to text,
    fate text, fresh boolean
) ON COMMIT DROP;
TRUNCATE reported, matched
"""

# A message is found by our reference, else by the provider's own id, else (for what concerns a person) its person by
# the address. A report that names a message of ours which this tenant never had concerns nobody here. Ghosts never
# left. What was kept without its message, because it came first, is given it. In one statement: each report is read,
# written and remembered once.
INTERACT = """
WITH found AS MATERIALIZED (
    SELECT r.*, m.id AS message_id, coalesce(m.contact_id, k.id) AS contact_id, m.address_hmac AS sent_to,
           CASE WHEN m.id IS NOT NULL THEN 'known'
                WHEN r.referenced THEN 'unknown'
                WHEN r.digest <> '' AND (r.kind IN ('complained', 'unsubscribed', 'replied') OR r.bounce = 'hard')
                THEN 'addressed'
                WHEN r.provider_id <> '' THEN 'early'
                ELSE 'unknown' END AS fate
      FROM reported r
      LEFT JOIN LATERAL (
            SELECT m.id, m.contact_id, m.address_hmac FROM campaigns_message m
             WHERE m.tenant_id = %(tenant)s AND m.id = r.reference_id AND m.channel = r.channel AND m.arm = 'treated'
             UNION ALL
            SELECT m.id, m.contact_id, m.address_hmac FROM campaigns_message m
             WHERE NOT r.referenced AND r.provider_id <> '' AND m.tenant_id = %(tenant)s
               AND m.provider_id = r.provider_id AND NOT m.provider_id = '' AND m.connection_id = r.connection_id
               AND m.channel = r.channel AND m.arm = 'treated'
             LIMIT 1) m ON true
      LEFT JOIN LATERAL (
            SELECT k.id, k.state FROM campaigns_contact k
             WHERE m.id IS NULL AND NOT r.referenced AND r.address <> '' AND r.channel = 'email'
               AND k.tenant_id = %(tenant)s AND k.email_key = r.address AND k.email_key IS NOT NULL
             UNION ALL
            SELECT k.id, k.state FROM campaigns_contact k
             WHERE m.id IS NULL AND NOT r.referenced AND r.address <> '' AND r.channel = 'sms'
               AND k.tenant_id = %(tenant)s AND k.phone_key = r.address AND k.phone_key IS NOT NULL
             ORDER BY 2, 1
             LIMIT 1) k ON true
), told AS MATERIALIZED (
    SELECT f.*, f.keeps AND row_number() OVER (PARTITION BY f.kind, f.key ORDER BY f.keeps DESC, f.place) = 1 AS one
      FROM (SELECT *, fate IN ('known', 'addressed') AND kind = ANY(%(kept)s)
                      AND NOT (kind = 'replied' AND channel = 'sms') AS keeps
              FROM found) f
), kept AS (
    INSERT INTO campaigns_interaction AS i
           (tenant_id, kind, dedupe_key, contact_id, message_id, occurred_at, data)
    SELECT %(tenant)s, kind, key, contact_id, message_id, occurred_at, data FROM told WHERE one
        ON CONFLICT (tenant_id, kind, dedupe_key) DO UPDATE
           SET message_id = excluded.message_id, contact_id = excluded.contact_id
         WHERE i.message_id IS NULL AND excluded.message_id IS NOT NULL
 RETURNING i.kind, i.dedupe_key
)
INSERT INTO matched
SELECT place, item_id, connection_id, channel, kind, key, provider_id, address, digest, bounce, code, occurred_at,
       message_id, contact_id, sent_to, fate, one AND (kind, key) IN (SELECT kind, dedupe_key FROM kept)
  FROM told
"""


def _weight(reason: str) -> str:
    """SQL: which reason stays when a provider reports several of one address, in whatever order; null: staff's own."""
    return f"array_position(ARRAY['{HELD}', 'bounced_repeatedly', 'bounced', 'unsubscribed', 'complained'], {reason})"


# A complaint or a dead address: the address, tenant-wide. An unsubscribe: the brand that wrote, or every text. Whoever
# said no says it for the address that was written to, for the one on record, and for whom they were merged into.
SUPPRESS = f"""
WITH said AS (
    SELECT x.*, x.kind IN ('complained', 'unsubscribed') AS personal,
           CASE WHEN x.kind IN ('complained', 'unsubscribed') THEN x.kind ELSE 'bounced' END AS reason,
           CASE WHEN x.kind = 'unsubscribed' AND x.channel = 'email'
                THEN (SELECT c.brand_id
                        FROM campaigns_message m
                        JOIN campaigns_campaign c ON c.tenant_id = %(tenant)s AND c.id = m.campaign_id
                       WHERE m.tenant_id = %(tenant)s AND m.id = x.message_id) END AS of_brand
      FROM matched x
     WHERE x.fresh
       AND (x.kind IN ('complained', 'unsubscribed') OR (x.kind IN ('bounced', 'failed') AND x.bounce = 'hard'))
), addressed AS (
    SELECT s.channel, s.of_brand, s.reason, s.contact_id, s.occurred_at, s.connection_id, d.digest
      FROM said s
      CROSS JOIN LATERAL (
            SELECT s.digest
             UNION
            SELECT s.sent_to
             UNION
            SELECT CASE s.channel WHEN 'sms' THEN k.phone_hmac ELSE k.email_hmac END
              FROM campaigns_contact k
             WHERE k.tenant_id = %(tenant)s
               AND (s.personal OR (s.digest = '' AND coalesce(s.sent_to, '') = ''))
               AND (k.id = s.contact_id
                    OR k.id = (SELECT o.merged_into_id FROM campaigns_contact o
                                WHERE o.tenant_id = %(tenant)s AND o.id = s.contact_id))) AS d(digest)
     WHERE d.digest <> ''
), made AS (
    INSERT INTO campaigns_suppression AS x
           (tenant_id, channel, address_hmac, brand_id, reason, source, contact_id, occurred_at, lifted_by, lifted_note)
    SELECT DISTINCT ON (a.digest, a.channel, a.of_brand)
           %(tenant)s, a.channel, a.digest, a.of_brand, a.reason, 'connection ' || a.connection_id, a.contact_id,
           a.occurred_at, '', ''
      FROM addressed a
     ORDER BY a.digest, a.channel, a.of_brand, {_weight("a.reason")} DESC, a.occurred_at
        ON CONFLICT (tenant_id, address_hmac, channel, brand_id) WHERE lifted_at IS NULL DO UPDATE
           SET reason = excluded.reason, source = excluded.source, contact_id = excluded.contact_id,
               occurred_at = excluded.occurred_at
         WHERE {_weight("excluded.reason")} > {_weight("x.reason")}
 RETURNING contact_id, channel, reason
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, data, occurred_at, subject_kind)
    SELECT %(tenant)s, 'contact.suppressed', contact_id, jsonb_build_object('channel', channel, 'reason', reason),
           %(now)s, ''
      FROM made
)
SELECT count(*) FROM made
"""

# Everybody with the address has said it, not only whom the message was for.
WHO_SAID_IT = """
WITH said AS (SELECT contact_id, channel, address FROM matched WHERE fresh AND kind = ANY(%(kinds)s))
SELECT contact_id FROM said WHERE contact_id IS NOT NULL
 UNION
SELECT k.id FROM said s CROSS JOIN LATERAL (
    SELECT k.id FROM campaigns_contact k
     WHERE s.channel = 'email' AND k.tenant_id = %(tenant)s AND k.email_key = s.address OFFSET 0) k
 WHERE s.address <> ''
 UNION
SELECT k.id FROM said s CROSS JOIN LATERAL (
    SELECT k.id FROM campaigns_contact k
     WHERE s.channel = 'sms' AND k.tenant_id = %(tenant)s AND k.phone_key = s.address OFFSET 0) k
 WHERE s.address <> ''
 UNION
SELECT o.merged_into_id FROM said s JOIN campaigns_contact o ON o.tenant_id = %(tenant)s AND o.id = s.contact_id
 WHERE o.merged_into_id IS NOT NULL
"""

# What became of texts that people sent: their own room knows them from before.
RECEIVED = "UPDATE matched SET fate = 'addressed', fresh = place = ANY(%(new)s) WHERE place = ANY(%(all)s)"

_RANK_OF_CLASS = """CASE {} WHEN 'hard' THEN 45 WHEN 'blocked' THEN 44 WHEN 'content' THEN 43 WHEN 'soft' THEN 42
                            ELSE 41 END"""

# What is being handed over is about to be recorded by its sender: a mere sign of life does not take it from there. What
# is planned (again) after it was begun has left after all, if somebody has it: it must not leave twice. Only what rises
# is written, and locked. Patience is shorter than PostgreSQL's before it looks for deadlocks: whoever is recording what
# was sent must not be its victim. (Two appliers never meet here: they stand behind one lock a tenant.)
MOVE = f"""
SET LOCAL lock_timeout = '900ms';
WITH strongest AS (
    SELECT DISTINCT ON (x.message_id) x.message_id, x.provider_id, x.occurred_at,
           CASE x.kind WHEN 'complained' THEN 'complained' WHEN 'bounced' THEN 'bounced' WHEN 'failed' THEN 'failed'
                       WHEN 'delivered' THEN 'delivered' ELSE 'handed_over' END AS state,
           CASE x.kind WHEN 'complained' THEN 'complained' WHEN 'bounced' THEN 'bounced_' || x.bounce
                       WHEN 'failed' THEN 'failed_after_hand_over' ELSE '' END AS reason,
           CASE x.kind WHEN 'complained' THEN 60 WHEN 'bounced' THEN {_RANK_OF_CLASS.format("x.bounce")}
                       WHEN 'failed' THEN 30 WHEN 'delivered' THEN 20 ELSE 10 END AS rank,
           CASE WHEN x.kind IN ('complained', 'bounced', 'failed') THEN x.code ELSE '' END AS code
      FROM matched x
     WHERE x.message_id IS NOT NULL
     ORDER BY x.message_id, rank DESC, code DESC, x.place
), moved AS (
    UPDATE campaigns_message m
       SET state = s.state, reason = s.reason, error = s.code, claim_token = NULL, lease_until = NULL,
           settled_at = %(now)s, handed_over_at = coalesce(m.handed_over_at, least(s.occurred_at, %(now)s)),
           provider_id = CASE WHEN m.provider_id = '' THEN s.provider_id ELSE m.provider_id END
      FROM strongest s
     WHERE m.tenant_id = %(tenant)s AND m.id = s.message_id
       AND CASE WHEN m.state IN ('handed_over', 'unknown', 'delivered', 'bounced', 'complained') THEN true
                WHEN m.state = 'handing_over' THEN s.rank > 10
                WHEN m.state = 'failed' THEN m.handed_over_at IS NOT NULL
                WHEN m.state IN ('planned', 'postponed', 'claimed')
                THEN m.attempts > 0 AND s.rank >= 20 AND s.state <> 'failed'
                ELSE false END
       AND (s.rank, s.code) > (
           CASE m.state WHEN 'complained' THEN 60
                WHEN 'bounced' THEN {_RANK_OF_CLASS.format("replace(m.reason, 'bounced_', '')")}
                WHEN 'failed' THEN 30 WHEN 'delivered' THEN 20 WHEN 'handed_over' THEN 10 ELSE 0 END,
           CASE WHEN m.state IN ('complained', 'bounced', 'failed') THEN m.error ELSE '' END)
 RETURNING m.id, m.contact_id, m.state, m.reason, m.channel, m.campaign_id, m.connection_id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
    SELECT %(tenant)s, 'message.' || state, contact_id, 'message', id,
           jsonb_build_object('channel', channel, 'campaign', campaign_id, 'reason', reason), %(now)s
      FROM moved WHERE state IN ('bounced', 'failed', 'complained') ORDER BY id
)
SELECT count(*) FROM moved;
SET LOCAL lock_timeout = DEFAULT
"""

# A mailbox that was full each time for a week and more: nobody reads it. What is merely handed over arrived, as far as
# is known, and ends the row. (The interval is measured from the first to the last of them.)
SUPPRESS_TIRED = """
WITH bounced AS (
    SELECT DISTINCT x.contact_id, x.channel FROM matched x
     WHERE x.fresh AND x.kind = 'bounced' AND x.bounce = 'soft' AND x.message_id IS NOT NULL
), history AS (
    SELECT b.contact_id, b.channel, m.handed_over_at, m.address_hmac,
           bool_and(m.state = 'bounced' AND m.reason = 'bounced_soft')
               OVER (PARTITION BY b.contact_id, b.channel ORDER BY m.handed_over_at DESC, m.id DESC) AS in_a_row
      FROM bounced b
      JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.contact_id = b.contact_id AND m.channel = b.channel
     WHERE m.state IN ('handed_over', 'unknown', 'delivered', 'bounced', 'complained')
       AND m.handed_over_at <= (SELECT max(s.handed_over_at) FROM campaigns_message s
                                 WHERE s.tenant_id = %(tenant)s AND s.contact_id = b.contact_id
                                   AND s.channel = b.channel AND s.state = 'bounced' AND s.reason = 'bounced_soft')
), tired AS (
    SELECT h.contact_id, h.channel, coalesce(max(h.address_hmac), max(
               CASE h.channel WHEN 'sms' THEN k.phone_hmac ELSE k.email_hmac END)) AS digest
      FROM history h JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = h.contact_id
     WHERE h.in_a_row
     GROUP BY h.contact_id, h.channel
    HAVING count(*) >= %(soft_bounces)s
       AND max(h.handed_over_at) - min(h.handed_over_at) >= make_interval(days => %(soft_days)s)
       AND count(DISTINCT h.address_hmac) <= 1
), made AS (
    INSERT INTO campaigns_suppression
           (tenant_id, channel, address_hmac, brand_id, reason, source, contact_id, occurred_at, lifted_by, lifted_note)
    SELECT %(tenant)s, channel, digest, NULL, 'bounced_repeatedly', 'provider reports', contact_id, %(now)s, '', ''
      FROM tired WHERE digest <> '' ORDER BY digest
        ON CONFLICT DO NOTHING
 RETURNING contact_id, channel, reason
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, data, occurred_at, subject_kind)
    SELECT %(tenant)s, 'contact.suppressed', contact_id, jsonb_build_object('channel', channel, 'reason', reason),
           %(now)s, ''
      FROM made
)
SELECT count(*) FROM made
"""

# What names no message yet is tried again for a while: its report came before the provider's answer was recorded.
# (“tenant_id + 0” and OFFSET 0 keep the planner to the key of each item: of an inbox that was empty when it was last
# counted it believes that it is empty still, and would read it whole for each.)
SETTLE_ITEMS = """
WITH told AS (
    SELECT i.id, count(x.place) AS reports,
           count(x.place) FILTER (WHERE x.fresh OR (x.fate = 'known' AND x.kind <> ALL(%(kept)s))) AS applied,
           bool_or(x.fate = 'early') AS early, bool_or(x.fate IN ('known', 'addressed')) AS found
      FROM unnest(%(items)s::bigint[]) AS i(id) LEFT JOIN matched x ON x.item_id = i.id
     GROUP BY i.id
), settled AS (
    UPDATE campaigns_inboxitem i
       SET attempts = i.attempts + 1, applied = i.applied + t.applied,
           ignored = greatest(t.reports - i.applied - t.applied, 0),
           state = CASE WHEN t.waits THEN 'waiting' WHEN i.applied + t.applied > 0 THEN 'applied' ELSE 'ignored' END,
           reason = CASE WHEN t.waits THEN 'message_not_known_yet' WHEN i.applied + t.applied > 0 THEN ''
                         WHEN t.reports = 0 THEN 'nothing_reported' WHEN t.found THEN 'known_already'
                         ELSE 'message_unknown' END,
           next_try_at = CASE WHEN t.waits
                         THEN %(now)s + make_interval(mins => least(power(2, i.attempts), 60)::int) END,
           settled_at = CASE WHEN t.waits THEN NULL ELSE %(now)s::timestamptz END, detail = ''
      FROM (SELECT told.*, coalesce(early, false) AND p.received_at > %(now)s - make_interval(hours => %(patience)s)
                   AS waits
              FROM told CROSS JOIN LATERAL (SELECT received_at FROM campaigns_inboxitem p
                                             WHERE p.tenant_id = %(tenant)s AND p.id = told.id OFFSET 0) p) t
     WHERE i.tenant_id + 0 = %(tenant)s AND i.id = t.id
 RETURNING i.state, t.applied, i.ignored
)
SELECT coalesce(sum(applied), 0), coalesce(sum(ignored) FILTER (WHERE state <> 'waiting'), 0) FROM settled
"""
