"""What a scan changes for the batch that it has judged (``scan_judged``): one statement for each kind of change.

Each writes its event in the same statement and returns what it changed, by tenant. Rows are written in the order of
their keys, so that two writers never wait for each other crosswise.
"""

_EVENT = "INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)"

CLOSE = f"""
WITH closed AS (
    UPDATE campaigns_dormancyepisode e
       SET state = 'closed', closed_at = %(now)s, closed_by = j.fate
      FROM scan_judged j
     WHERE j.fate IN ('erased', 'merged', 'corrected')
       AND e.tenant_id = j.tenant_id AND e.id = j.open_id AND e.state = 'open'
    RETURNING e.tenant_id, e.id, e.contact_id, e.cohort_months, e.closed_by
), noted AS (
    {_EVENT}
    SELECT tenant_id, 'episode.closed', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months, 'by', closed_by), %(now)s
      FROM closed ORDER BY tenant_id, id
)
SELECT tenant_id, count(*) FROM closed GROUP BY tenant_id
"""

# A lapse that is already older than the limit is opened and given up at once (docs/decisions/0005).
OPEN = f"""
WITH opened AS (
    INSERT INTO campaigns_dormancyepisode
           (tenant_id, contact_id, lapsed_from, cohort_months, cohort_at, state, opened_at, closed_at, closed_by)
    SELECT tenant_id, contact_id, last_at, reached, reached_at, CASE WHEN gives_up THEN 'closed' ELSE 'open' END,
           %(now)s, CASE WHEN gives_up THEN %(now)s::timestamptz END, CASE WHEN gives_up THEN 'given_up' ELSE '' END
      FROM scan_judged
     WHERE opens AND row_id IS NULL
     ORDER BY tenant_id, contact_id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id, contact_id, cohort_months, lapsed_from, closed_by
), noted AS (
    {_EVENT}
    SELECT tenant_id, 'customer.dormant', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months, 'lapsed_from', lapsed_from), %(now)s
      FROM opened ORDER BY tenant_id, id
), noted_as_given_up AS (
    {_EVENT}
    SELECT tenant_id, 'episode.closed', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months, 'by', closed_by), %(now)s
      FROM opened WHERE closed_by <> '' ORDER BY tenant_id, id
)
SELECT tenant_id, cohort_months, count(*), count(*) FILTER (WHERE closed_by <> '')
  FROM opened GROUP BY tenant_id, cohort_months
"""

# The same lapse once more (what had closed it was refunded): the same row, with the moment at which it first opened.
REOPEN = f"""
WITH reopened AS (
    UPDATE campaigns_dormancyepisode e
       SET state = 'open', closed_at = NULL, closed_by = '', cohort_months = j.reached, cohort_at = j.reached_at
      FROM scan_judged j
     WHERE j.opens AND e.tenant_id = j.tenant_id AND e.id = j.row_id AND e.state = 'closed'
    RETURNING e.tenant_id, e.id, e.contact_id, e.cohort_months
), noted AS (
    {_EVENT}
    SELECT tenant_id, 'episode.reopened', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months), %(now)s
      FROM reopened ORDER BY tenant_id, id
)
SELECT tenant_id, cohort_months, count(*), 0 FROM reopened GROUP BY tenant_id, cohort_months
"""

MOVE = f"""
WITH moved AS (
    UPDATE campaigns_dormancyepisode e
       SET cohort_months = j.reached, cohort_at = j.reached_at
      FROM scan_judged j
     WHERE j.moves AND e.tenant_id = j.tenant_id AND e.id = j.open_id AND e.state = 'open'
    RETURNING e.tenant_id, e.id, e.contact_id, e.cohort_months
), noted AS (
    {_EVENT}
    SELECT tenant_id, 'episode.moved', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months), %(now)s
      FROM moved ORDER BY tenant_id, id
)
SELECT tenant_id, count(*) FROM moved GROUP BY tenant_id
"""

GIVE_UP = f"""
WITH closed AS (
    UPDATE campaigns_dormancyepisode e
       SET state = 'closed', closed_at = %(now)s, closed_by = 'given_up'
      FROM scan_judged j
     WHERE j.gives_up AND j.fate = 'stays' AND e.tenant_id = j.tenant_id AND e.id = j.open_id AND e.state = 'open'
    RETURNING e.tenant_id, e.id, e.contact_id, e.cohort_months, e.closed_by
), noted AS (
    {_EVENT}
    SELECT tenant_id, 'episode.closed', contact_id, 'dormancyepisode', id,
           jsonb_build_object('episode', id, 'cohort', cohort_months, 'by', closed_by), %(now)s
      FROM closed ORDER BY tenant_id, id
)
SELECT tenant_id, count(*) FROM closed GROUP BY tenant_id
"""

# Only contacts for which something has changed; null takes the cohort's tag away.
WANTED_TAGS = """
INSERT INTO cohort_tag (tenant_id, contact_id, name)
SELECT tenant_id, contact_id, CASE WHEN (opens OR moves) AND NOT gives_up THEN %(prefix)s || reached || 'm' END
  FROM scan_judged
 WHERE opens OR moves OR gives_up OR fate IN ('erased', 'merged', 'corrected')
"""

STORE = """
UPDATE campaigns_contactstat s
   SET next_scan_at = j.next_scan_at, not_open_reason = j.reason
  FROM scan_judged j
 WHERE s.tenant_id = j.tenant_id AND s.contact_id = j.contact_id
"""

HELD_OUT = """
SELECT j.tenant_id, count(*)
  FROM scan_judged j
  JOIN campaigns_assignment a ON a.tenant_id = j.tenant_id AND a.contact_id = j.contact_id AND a.arm = 'held_out'
 WHERE j.opens
 GROUP BY j.tenant_id
"""

# For tenants whose share was fixed only when the number of their dormant contacts was known.
HELD_OUT_OPENED_NOW = """
SELECT e.tenant_id, count(*)
  FROM campaigns_dormancyepisode e
  JOIN campaigns_assignment a ON a.tenant_id = e.tenant_id AND a.contact_id = e.contact_id AND a.arm = 'held_out'
 WHERE e.tenant_id = ANY(%(tenants)s) AND e.state = 'open' AND e.opened_at = %(now)s
 GROUP BY e.tenant_id
"""
