"""How often a household is written to: the tenant's own cap and that of the law, the stricter one decides.

Both are reservations in the touch ledger, taken in the claim. The n-th touch of a household can be inserted once: of
two workers at the same household one waits, then gets nothing. So what is inserted must be numbered without a gap.
SQL for embedding. It expects a temporary table ``claiming`` with id, channel, household_id, due_at, country, region,
domain, refusal, until, why, ordinal, law and cap, and the parameters tenant, now, cap_touches, cap_days and those of
campaigns.compliance.legal_caps. It leaves in ``law`` which caps of the law were kept, in ``cap`` which one was full.
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

# The caps of the law that hold where a recipient lives. Texts of the household count, to whomever in it. What counts is
# when a text went out: after a claim it may have waited for its connection, at the most a day.
_LAW = """
SELECT c.id, r.code, r.most, r.hours, sent.times, c.ahead
  FROM (SELECT *, (row_number() OVER (PARTITION BY household_id, channel ORDER BY due_at, id) - 1)::int AS ahead
          FROM claiming
         WHERE refusal IS NULL AND until IS NULL AND cardinality(%(law_codes)s::text[]) > 0) c
  JOIN unnest(%(law_channels)s::text[], %(law_countries)s::text[], %(law_regions)s::text[], %(law_codes)s::text[],
              %(law_most)s::int[], %(law_hours)s::int[]) AS r(channel, country, region, code, most, hours)
       ON (r.channel, r.country, r.region) = (c.channel, c.country, c.region)
 CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(past.at ORDER BY past.at DESC), '{}') AS times
          FROM (SELECT greatest(t.touched_at, m.handed_over_at) AS at
                  FROM campaigns_touch t
                  JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = t.message_id
                       AND m.state NOT IN ('blocked', 'failed', 'cancelled')
                 WHERE t.tenant_id = %(tenant)s AND t.household_id = c.household_id AND t.channel = c.channel
                   AND t.touched_at > %(now)s - make_interval(days => 1, hours => r.hours)) past
         WHERE past.at > %(now)s - make_interval(hours => r.hours)) sent
"""

# Those for whom a cap has no place left wait until the oldest of its touches is old enough. The others get their
# ordinals in the same look: an ordinal chosen later would come behind the touches that another worker has committed
# meanwhile, and those were not counted.
KEEP_CAPS = f"""
WITH recent AS MATERIALIZED ({_RECENT}),
used AS (
    SELECT household_id, count(*) AS number, max(touched_at) FILTER (WHERE nth = %(cap_touches)s) AS full_since
      FROM recent GROUP BY household_id
), law AS (
    SELECT id, string_agg(format('%%s: %%s in %%s hours', code, most, hours), ', ' ORDER BY code) AS kept,
           max(coalesce(times[most - ahead], %(now)s) + make_interval(hours => hours))
               FILTER (WHERE cardinality(times) + ahead >= most) AS full_until,
           string_agg(code, ', ' ORDER BY code) FILTER (WHERE cardinality(times) + ahead >= most) AS full
      FROM ({_LAW}) asked
     GROUP BY id
), place AS (
    SELECT c.id, coalesce(last.ordinal, 0) + row_number() OVER in_turn AS ordinal, law.kept, law.full, law.full_until,
           CASE WHEN coalesce(u.number, 0) + row_number() OVER in_turn > %(cap_touches)s
                THEN coalesce(u.full_since, %(now)s) + make_interval(days => %(cap_days)s) END AS over_until
      FROM claiming c
      LEFT JOIN used u USING (household_id)
      LEFT JOIN law ON law.id = c.id
      LEFT JOIN LATERAL (
            SELECT t.ordinal FROM campaigns_touch t
             WHERE t.tenant_id = %(tenant)s AND t.household_id = c.household_id
             ORDER BY t.ordinal DESC LIMIT 1) last ON true
     WHERE c.refusal IS NULL AND c.until IS NULL
    WINDOW in_turn AS (PARTITION BY c.household_id ORDER BY law.full_until IS NOT NULL, c.due_at, c.id)
)
UPDATE claiming c
   SET ordinal = p.ordinal, law = p.kept,
       until = greatest(p.over_until, p.full_until),
       why = CASE WHEN p.over_until IS NOT NULL OR p.full_until IS NOT NULL THEN 'frequency_cap' END,
       cap = CASE WHEN p.full_until >= coalesce(p.over_until, p.full_until) THEN p.full
                  WHEN p.over_until IS NOT NULL THEN 'household' END
  FROM place p
 WHERE c.id = p.id
"""

RESERVE = """
INSERT INTO campaigns_touch (tenant_id, household_id, ordinal, message_id, channel, domain, touched_at)
SELECT %(tenant)s, c.household_id, c.ordinal, c.id, c.channel, c.domain, %(now)s
  FROM claiming c
 WHERE c.refusal IS NULL AND c.until IS NULL
 ORDER BY c.household_id, c.due_at, c.id
ON CONFLICT DO NOTHING
RETURNING message_id
"""
