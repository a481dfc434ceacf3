"""The frequency cap of a household, over channels and campaigns: a reservation in the touch ledger, taken in the claim.

The n-th touch of a household can be inserted once: of two workers at the same household one waits, then gets nothing.
SQL for embedding. It expects a temporary table ``claiming`` with id, household_id, due_at, refusal, until and ordinal,
and the parameters tenant, now, cap_touches, cap_days.
"""

TOUCHES_THAT_COUNT = """
  FROM campaigns_touch t
  JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = t.message_id
       AND m.state NOT IN ('blocked', 'failed', 'cancelled')
 WHERE t.tenant_id = %(tenant)s AND t.touched_at > %(now)s - make_interval(days => %(cap_days)s)
"""
"""The touches ``t`` that use up a household's cap as of now; one whose message never left is none."""

_RECENT = f"""
SELECT t.household_id, t.touched_at,
       row_number() OVER (PARTITION BY t.household_id ORDER BY t.touched_at DESC, t.ordinal DESC) AS nth
{TOUCHES_THAT_COUNT}
   AND t.household_id IN (SELECT household_id FROM claiming WHERE refusal IS NULL AND until IS NULL)
"""

# Those for whom the cap has no place left wait until the oldest of the last ``cap_touches`` touches is old enough. The
# others get their ordinals in the same look: an ordinal chosen later would come behind the touches that another worker
# has committed meanwhile, and those were not counted.
KEEP_CAPS = f"""
WITH recent AS MATERIALIZED ({_RECENT}),
used AS (
    SELECT household_id, count(*) AS number, max(touched_at) FILTER (WHERE nth = %(cap_touches)s) AS full_since
      FROM recent GROUP BY household_id
), place AS (
    SELECT c.id, coalesce(last.ordinal, 0) + row_number() OVER in_turn AS ordinal, u.full_since,
           coalesce(u.number, 0) + row_number() OVER in_turn > %(cap_touches)s AS over_cap
      FROM claiming c
      LEFT JOIN used u USING (household_id)
      LEFT JOIN LATERAL (
            SELECT t.ordinal FROM campaigns_touch t
             WHERE t.tenant_id = %(tenant)s AND t.household_id = c.household_id
             ORDER BY t.ordinal DESC LIMIT 1) last ON true
     WHERE c.refusal IS NULL AND c.until IS NULL
    WINDOW in_turn AS (PARTITION BY c.household_id ORDER BY c.due_at, c.id)
)
UPDATE claiming c
   SET ordinal = p.ordinal,
       until = CASE WHEN p.over_cap
                    THEN coalesce(p.full_since, %(now)s) + make_interval(days => %(cap_days)s) END,
       why = CASE WHEN p.over_cap THEN 'frequency_cap' END
  FROM place p
 WHERE c.id = p.id
"""

RESERVE = """
INSERT INTO campaigns_touch (tenant_id, household_id, ordinal, message_id, channel, touched_at)
SELECT %(tenant)s, c.household_id, c.ordinal, c.id, c.channel, %(now)s
  FROM claiming c
 WHERE c.refusal IS NULL AND c.until IS NULL
 ORDER BY c.household_id, c.due_at, c.id
ON CONFLICT DO NOTHING
RETURNING message_id
"""
