"""How many messages a recipients' domain may get today: old lists begin small, and grow with what went well.

A mailbox provider that has not heard from a sender for long takes a flood of old addresses for spam. So each domain
(gmail.com, outlook.com …) begins with FIRST a day; each day on which the cap was used doubles it. A campaign that
reputation.py has paused sends nothing, and so does not grow. ``DOMAIN_CAPS`` is SQL for embedding: a relation (domain,
left_today, cap); a domain that is not in it may get FIRST.
"""

FIRST = 200
ENOUGH = 100_000
"""From here on nothing is held back."""

# Days count on which the domain got at least half of what it might: a quiet day teaches it nothing. `today` is the
# tenant's calendar day, as in every rule of a day.
DOMAIN_CAPS = f"""
WITH RECURSIVE sent AS (
    SELECT split_part(k.email_key, '@', 2) AS domain, (m.handed_over_at AT TIME ZONE %(zone)s)::date AS day,
           count(*) AS n
      FROM campaigns_message m
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = m.contact_id
     WHERE m.tenant_id = %(tenant)s AND m.channel = 'email' AND m.arm = 'treated' AND k.email_key IS NOT NULL
       AND m.handed_over_at > %(now)s - interval '60 days'
     GROUP BY 1, 2
), walked AS (
    SELECT domain, day, n, row_number() OVER (PARTITION BY domain ORDER BY day) AS place
      FROM sent WHERE day < %(today)s
), grown AS (
    SELECT domain, place, CASE WHEN n * 2 >= {FIRST} THEN {FIRST} * 2 ELSE {FIRST} END AS cap
      FROM walked WHERE place = 1
    UNION ALL
    SELECT w.domain, w.place, least(CASE WHEN w.n * 2 >= g.cap THEN g.cap * 2 ELSE g.cap END, {ENOUGH})
      FROM grown g JOIN walked w ON w.domain = g.domain AND w.place = g.place + 1
), latest AS (
    SELECT DISTINCT ON (domain) domain, cap FROM grown ORDER BY domain, place DESC
)
SELECT coalesce(l.domain, t.domain) AS domain, coalesce(t.n, 0) AS left_today, coalesce(l.cap, {FIRST}) AS cap
  FROM latest l FULL JOIN (SELECT domain, n FROM sent WHERE day = %(today)s) t ON t.domain = l.domain
"""
