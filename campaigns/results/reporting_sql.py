"""The report's statements, always these four. PostgreSQL counts; the intervals need nothing but sums of powers.

A campaign's unit is an enrolment. The total's unit is the lapse: one that two campaigns wrote about counts once, from
its first window's opening to its last one's closing. A job as of a later moment than the report's does not exist.
"""

CAMPAIGNS = """
SELECT id, code, name, window_days FROM campaigns_campaign WHERE tenant_id = %(tenant)s ORDER BY code, id
"""

_ASSIGNED = """{at} <= %(now)s
       AND (%(from)s::timestamptz IS NULL OR {at} >= %(from)s)
       AND (%(until)s::timestamptz IS NULL OR {at} < %(until)s)"""
_MATURED = "e.enrolled_at + make_interval(hours => 24 * c.window_days) <= %(now)s"

# Whole numbers all the way (numeric), so that a difference of large sums keeps its digits.
_SUMS = """
       count(*), count(*) FILTER (WHERE matured), count(*) FILTER (WHERE returned),
       count(*) FILTER (WHERE matured AND returned),
       coalesce(sum(amount), 0), coalesce(sum(amount) FILTER (WHERE matured), 0),
       coalesce(sum(amount::numeric * amount) FILTER (WHERE matured), 0),
       coalesce(sum(amount::numeric * amount * amount) FILTER (WHERE matured), 0),
       coalesce(sum(offer_cost), 0), coalesce(sum(offer_cost) FILTER (WHERE matured), 0)"""

# Nothing tells us who gave the coupon: whoever came back after the offer was made is taken to have redeemed it.
UNITS = f"""
WITH unit AS MATERIALIZED (
    SELECT e.campaign_id, e.episode_id, e.arm, {_MATURED} AS matured, r.id IS NOT NULL AS returned,
           CASE WHEN r.currency = %(currency)s THEN r.amount_minor END AS amount, made.offer_cost
      FROM campaigns_enrolment e
      JOIN campaigns_campaign c ON c.tenant_id = %(tenant)s AND c.id = e.campaign_id
      LEFT JOIN campaigns_reactivation r
        ON r.tenant_id = %(tenant)s AND r.enrolment_id = e.id AND r.reactivated_at <= %(now)s
      LEFT JOIN LATERAL (
            SELECT max(o.cost_minor) AS offer_cost
              FROM campaigns_message m JOIN campaigns_offer o ON o.tenant_id = %(tenant)s AND o.id = m.offer_id
             WHERE m.tenant_id = %(tenant)s AND m.enrolment_id = r.enrolment_id AND m.arm = 'treated'
               AND m.state IN ('handed_over', 'delivered', 'complained', 'unknown')
               AND m.handed_over_at <= r.reactivated_at) made ON r.arm = 'treated'
     WHERE e.tenant_id = %(tenant)s AND {_ASSIGNED.format(at="e.enrolled_at")}
), lapse AS (
    SELECT episode_id, arm, bool_and(matured) AS matured, bool_or(returned) AS returned, sum(amount) AS amount,
           sum(offer_cost) AS offer_cost
      FROM unit GROUP BY episode_id, arm
)
SELECT campaign_id, arm, {_SUMS} FROM unit GROUP BY campaign_id, arm
UNION ALL
SELECT NULL, arm, {_SUMS} FROM lapse GROUP BY arm
"""

OTHER_MONEY = f"""
SELECT r.campaign_id, r.currency, sum(r.amount_minor)
  FROM campaigns_reactivation r
 WHERE r.tenant_id = %(tenant)s AND r.arm = 'treated' AND r.currency <> %(currency)s AND r.reactivated_at <= %(now)s
   AND {_ASSIGNED.format(at="r.assigned_at")}
 GROUP BY r.campaign_id, r.currency
 ORDER BY r.currency
"""

# A ghost costs nothing and stands in its state. Messages keep no history of states: each counts where it is now.
MESSAGES = f"""
SELECT m.campaign_id, m.channel, m.state, count(*), sum(m.cost_minor),
       coalesce(sum(m.cost_minor) FILTER (WHERE {_MATURED}), 0)
  FROM campaigns_message m
  JOIN campaigns_enrolment e ON e.tenant_id = %(tenant)s AND e.id = m.enrolment_id
  JOIN campaigns_campaign c ON c.tenant_id = %(tenant)s AND c.id = e.campaign_id
 WHERE m.tenant_id = %(tenant)s AND m.planned_at <= %(now)s AND {_ASSIGNED.format(at="e.enrolled_at")}
 GROUP BY m.campaign_id, m.channel, m.state
 ORDER BY m.channel, m.state
"""

# Messages whose link was clicked, each by the best that is known of who did it. Nothing is decided by it.
CLICKS = f"""
SELECT campaign_id, confidence, count(*)
  FROM (SELECT m.campaign_id, m.id,
               CASE min(CASE i.data ->> 'confidence' WHEN 'person' THEN 1 WHEN 'machine' THEN 3 ELSE 2 END)
                    WHEN 1 THEN 'person' WHEN 2 THEN 'doubtful' ELSE 'machine' END AS confidence
          FROM campaigns_interaction i
          JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = i.message_id
          JOIN campaigns_enrolment e ON e.tenant_id = %(tenant)s AND e.id = m.enrolment_id
         WHERE i.tenant_id = %(tenant)s AND i.kind = 'clicked' AND i.occurred_at <= %(now)s
           AND {_ASSIGNED.format(at="e.enrolled_at")}
         GROUP BY m.campaign_id, m.id) clicked
 GROUP BY campaign_id, confidence
"""
