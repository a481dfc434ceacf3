"""The scan's question, for a batch of contacts: what is known of each as of now, and what follows from it.

The batch stands in the temporary table ``scan_looked``, the rules in ``scan_rule``; the answers go into
``scan_judged``, and nothing else is written here. Real tables are looked up by their keys, one contact at a time
(OFFSET 0 keeps it so), so every statement stays linear however wrong the planner's guesses are: it takes every tenant
for an average one.
"""

from campaigns.audience.tagging import RESTRICTED

# Which contacts are due. Rows that an import or another scan holds are passed over: whoever holds them makes them due
# again. As nothing is waited for while these locks are held, the scan is in no deadlock.
PICK_DUE = """
INSERT INTO scan_looked (tenant_id, contact_id)
SELECT tenant_id, contact_id
  FROM campaigns_contactstat
 WHERE next_scan_at <= %(now)s AND tenant_id = ANY(%(tenants)s) AND contact_id <> ALL(%(passed_over)s)
 ORDER BY next_scan_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED
"""

# The contacts whose time has not come, for the check that nothing was missed.
PICK_NOT_DUE = """
INSERT INTO scan_looked (tenant_id, contact_id)
SELECT tenant_id, contact_id
  FROM campaigns_contactstat
 WHERE (tenant_id, contact_id) > (%(last_tenant)s, %(last_contact)s)
   AND tenant_id <= %(last_of_all)s AND tenant_id = ANY(%(tenants)s)
   AND (next_scan_at > %(now)s OR next_scan_at IS NULL)
 ORDER BY tenant_id, contact_id
 LIMIT %(limit)s
"""

# Attributing closes episodes before it touches their contacts, so an episode that it holds is left for the next scan.
LEAVE_HELD = """
WITH open AS MATERIALIZED (
    SELECT e.id, k.contact_id
      FROM scan_looked k,
           LATERAL (SELECT id FROM campaigns_dormancyepisode
                     WHERE tenant_id = k.tenant_id AND contact_id = k.contact_id AND state = 'open' OFFSET 0) e
), locked AS MATERIALIZED (
    SELECT e.id
      FROM campaigns_dormancyepisode e
     WHERE e.id = ANY(ARRAY(SELECT id FROM open)) AND e.state = 'open'
       FOR NO KEY UPDATE SKIP LOCKED
)
DELETE FROM scan_looked
 WHERE contact_id IN (SELECT contact_id FROM open WHERE id NOT IN (SELECT id FROM locked))
RETURNING contact_id
"""

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS scan_looked (tenant_id bigint, contact_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS scan_judged (
    tenant_id bigint, contact_id bigint, fate text, reason text, opens boolean, moves boolean, gives_up boolean,
    open_id bigint, row_id bigint, last_at timestamptz, reached int, reached_at timestamptz, next_scan_at timestamptz,
    stored_reason text, stored_next_scan_at timestamptz
) ON COMMIT DROP;
TRUNCATE scan_looked, scan_judged
"""


# Whose processing is restricted is in a state of its own: nothing is opened, and what is open stays as it is.
# Jobs that lie after now do not exist yet (a history being replayed); the stat row is over all jobs, so it tells when
# the job table has to be asked.
_FACTS = f"""
SELECT k.tenant_id, k.contact_id,
       CASE WHEN c.state = 'active' AND n.restricted THEN 'restricted' ELSE c.state END AS state,
       s.not_open_reason AS stored_reason, s.next_scan_at AS stored_next_scan_at,
       CASE WHEN s.scheduled_at > %(now)s THEN s.scheduled_at END AS scheduled_at,
       CASE WHEN s.last_job_at > %(now)s
            THEN (SELECT max(j.completed_at) FROM campaigns_job j
                   WHERE j.tenant_id = k.tenant_id AND j.contact_id = k.contact_id AND j.status = 'completed'
                     AND j.completed_at <= %(now)s)
            ELSE s.last_job_at END AS last_at,
       CASE WHEN s.last_job_at > %(now)s
            THEN (SELECT min(j.completed_at) FROM campaigns_job j
                   WHERE j.tenant_id = k.tenant_id AND j.contact_id = k.contact_id AND j.status = 'completed'
                     AND j.completed_at > %(now)s) END AS next_job_at,
       n.do_not_contact, n.tags_change_at
  FROM scan_looked k
  JOIN scan_rule r ON r.tenant_id = k.tenant_id
  JOIN LATERAL (SELECT last_job_at, scheduled_at, next_scan_at, not_open_reason FROM campaigns_contactstat
                 WHERE tenant_id = k.tenant_id AND contact_id = k.contact_id OFFSET 0) s ON true
  JOIN LATERAL (SELECT state FROM campaigns_contact
                 WHERE tenant_id = k.tenant_id AND id = k.contact_id OFFSET 0) c ON true
  LEFT JOIN LATERAL (
       SELECT coalesce(bool_or((g.added_at IS NULL OR g.added_at <= %(now)s)
                               AND (g.expires_at IS NULL OR g.expires_at > %(now)s)), false) AS do_not_contact,
              coalesce(bool_or(g.name = '{RESTRICTED}'), false) AS restricted,
              min(CASE WHEN g.added_at > %(now)s THEN g.added_at
                       WHEN g.expires_at > %(now)s THEN g.expires_at END) AS tags_change_at
         FROM campaigns_contacttag g
        WHERE g.tenant_id = k.tenant_id AND g.contact_id = k.contact_id
          AND lower(btrim(g.name)) = ANY(r.do_not_contact)) n ON true
"""

# The open episode, and the closed one of this very lapse, if there are such. ``passed`` is how many cut-offs lie before
# the last job, so the cohorts from the next place on are reached, and the one at this place is the next to come.
_DATED = """
SELECT f.*, f.last_at < r.give_up_cut AS silent_too_long,
       r.cohorts[width_bucket(f.last_at, r.cuts) + 1] AS reached, r.cohorts[width_bucket(f.last_at, r.cuts)] AS ahead,
       r.give_up_months, e.id AS open_id, e.lapsed_from, e.opened_at, e.cohort_months, p.id AS row_id,
       p.closed_at AS row_closed_at
  FROM facts f
  JOIN scan_rule r ON r.tenant_id = f.tenant_id
  LEFT JOIN LATERAL (SELECT id, lapsed_from, opened_at, cohort_months FROM campaigns_dormancyepisode
                      WHERE tenant_id = f.tenant_id AND contact_id = f.contact_id AND state = 'open' OFFSET 0) e ON true
  LEFT JOIN LATERAL (SELECT id, closed_at FROM campaigns_dormancyepisode
                      WHERE tenant_id = f.tenant_id AND contact_id = f.contact_id AND lapsed_from = f.last_at
                        AND state = 'closed' OFFSET 0) p ON true
"""

# What becomes of the open episode: none (''), left to time, closed, left to attributing, or it stays.
_FATE = """
CASE WHEN d.open_id IS NULL THEN ''
     WHEN d.opened_at > %(now)s THEN 'not_yet'
     WHEN d.state <> 'active' THEN d.state
     WHEN d.last_at >= d.opened_at THEN 'business'
     WHEN d.last_at IS DISTINCT FROM d.lapsed_from THEN 'corrected'
     ELSE 'stays' END
"""

# Why no episode is open after this scan; the first that applies counts, '' when one is. An episode that was closed
# later than now (a past that is replayed) is as it was then. Who is given up just now is from here on a contact without
# an open episode, unless its lapse is opened only to be given up at once.
_REASON = """
CASE WHEN d.fate IN ('not_yet', 'business') OR d.fate = 'stays' AND d.silent_too_long IS NOT TRUE THEN ''
     WHEN d.state <> 'active' THEN d.state
     WHEN d.row_closed_at > %(now)s THEN 'in_open_episode'
     WHEN d.last_at IS NULL THEN 'no_job'
     WHEN d.scheduled_at IS NOT NULL THEN 'scheduled_ahead'
     WHEN d.do_not_contact THEN 'do_not_contact'
     WHEN d.fate = 'stays' THEN 'given_up'
     WHEN d.reached IS NULL THEN 'not_lapsed_yet'
     WHEN d.silent_too_long THEN 'given_up'
     ELSE '' END
"""
_OPENS = """
d.fate IN ('', 'corrected')
AND (d.reason = '' OR d.reason = 'given_up' AND d.row_id IS NULL)
"""

# The months after the last job at which time alone changes the answer, or another moment at which it does; neither
# when only a new fact can.
_NEXT_MONTHS = """
CASE WHEN d.reason = 'not_lapsed_yet' THEN d.ahead
     WHEN d.reason = '' AND d.fate NOT IN ('business', 'not_yet') THEN coalesce(d.ahead, d.give_up_months) END
"""
_NEXT_EVENT = """
CASE d.reason
     WHEN '' THEN CASE d.fate WHEN 'business' THEN NULL WHEN 'not_yet' THEN d.opened_at ELSE d.next_job_at END
     WHEN 'in_open_episode' THEN d.row_closed_at
     WHEN 'no_job' THEN d.next_job_at
     WHEN 'scheduled_ahead' THEN d.scheduled_at
     WHEN 'do_not_contact' THEN d.tags_change_at
     WHEN 'not_lapsed_yet' THEN least(d.tags_change_at, d.next_job_at)
     WHEN 'given_up' THEN least(d.tags_change_at, d.next_job_at) END
"""


def _start_of(midnight: str) -> str:
    """SQL for the first instant of the day that begins at this local midnight.

    Of a midnight that is there twice PostgreSQL takes the second; a day begins with the first.
    """
    start = f"({midnight} AT TIME ZONE r.zone)"
    return (
        f"CASE WHEN ({start} - interval '1 hour') AT TIME ZONE r.zone = {midnight} "
        f"THEN {start} - interval '1 hour' ELSE {start} END"
    )


# Calendars are slow, so a day is worked out only where it is wanted.
JUDGE = f"""
INSERT INTO scan_judged
       (tenant_id, contact_id, fate, reason, opens, moves, gives_up, open_id, row_id, last_at, reached, reached_at,
        next_scan_at, stored_reason, stored_next_scan_at)
WITH facts AS MATERIALIZED ({_FACTS}), dated AS MATERIALIZED ({_DATED}),
decided AS MATERIALIZED (
    SELECT d.*, {_OPENS} AS opens, d.fate = 'stays' AND coalesce(d.reached > d.cohort_months, false) AS moves,
           {_NEXT_MONTHS} AS next_months, {_NEXT_EVENT} AS next_event
      FROM (SELECT d.*, {_REASON} AS reason FROM (SELECT d.*, {_FATE} AS fate FROM dated d) d) d
)
SELECT d.tenant_id, d.contact_id, d.fate, d.reason, d.opens, d.moves,
       coalesce(d.silent_too_long, false) AND (d.opens OR d.fate = 'stays'), d.open_id, d.row_id, d.last_at, d.reached,
       CASE WHEN d.opens OR d.moves
            THEN (SELECT {_start_of("m.at")}
                    FROM (SELECT (d.last_at AT TIME ZONE r.zone)::date + make_interval(months => d.reached) AS at) m)
            END,
       CASE WHEN n.at <= %(now)s THEN %(now)s::timestamptz + interval '1 hour' ELSE n.at END,
       d.stored_reason, d.stored_next_scan_at
  FROM decided d
  JOIN scan_rule r ON r.tenant_id = d.tenant_id,
       -- Not even where PostgreSQL and Python know different clock changes is a contact looked at for ever.
       LATERAL (SELECT least(d.next_event, CASE WHEN d.next_months IS NOT NULL THEN
                    (SELECT {_start_of("m.at")}
                       FROM (SELECT (d.last_at AT TIME ZONE r.zone)::date
                                    + make_interval(months => d.next_months) AS at OFFSET 0) m) END) AS at OFFSET 0) n
"""

# What the batch comes to, for the report and to know which changes there are to make.
SUM_UP = """
SELECT tenant_id, fate, reason, opens, moves, gives_up, count(*)
  FROM scan_judged
 GROUP BY tenant_id, fate, reason, opens, moves, gives_up
"""

# The check: contacts whose answer is another than the one that is stored are made due.
FIND_MISSED = """
WITH missed AS (
    UPDATE campaigns_contactstat s
       SET next_scan_at = %(dirty)s
      FROM scan_judged j
     WHERE s.tenant_id = j.tenant_id AND s.contact_id = j.contact_id
       AND (j.opens OR j.moves OR j.gives_up OR j.fate IN ('erased', 'merged', 'corrected')
            OR (j.stored_reason, j.stored_next_scan_at) IS DISTINCT FROM (j.reason, j.next_scan_at))
    RETURNING s.tenant_id, s.contact_id
), gone AS (
    DELETE FROM scan_judged j USING missed m WHERE m.tenant_id = j.tenant_id AND m.contact_id = j.contact_id
)
SELECT tenant_id, count(*) FROM missed GROUP BY tenant_id
"""
