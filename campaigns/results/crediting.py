"""Who came back, for both arms alike: the first counted job within the window of each enrolment, every job once.

What each enrolment earns is computed anew from the jobs and compared with what is recorded, so a refund, another
amount, a job that was dated back or a merge of contacts needs no rule of its own: the row goes, moves or changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.audience.experiment_models import Arm

EARNED = """
CREATE TEMPORARY TABLE IF NOT EXISTS earned (
    enrolment_id bigint, assigned_at timestamptz, person_id bigint, job_id bigint, amount_minor bigint, currency text,
    reactivated_at timestamptz
) ON COMMIT DROP;
TRUNCATE earned
"""

# The earliest enrolment of a person takes the first job in its window, the next one the first that is left. The first
# place, which nearly all enrolments have, is one join; the recursion goes on over the few who were enrolled again.
# A window's day is 24 hours: it does not grow or shrink when clocks change.
EARN = """
INSERT INTO earned
WITH RECURSIVE enrolled AS MATERIALIZED (
    SELECT e.id, coalesce(k.merged_into_id, k.id) AS person_id, e.enrolled_at AS starts,
           e.enrolled_at + make_interval(hours => 24 * c.window_days) AS ends,
           row_number() OVER (PARTITION BY coalesce(k.merged_into_id, k.id) ORDER BY e.enrolled_at, e.id) AS place
      FROM campaigns_enrolment e
      JOIN campaigns_campaign c ON c.tenant_id = %(tenant)s AND c.id = e.campaign_id
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = e.contact_id
     WHERE e.tenant_id = %(tenant)s {of_contacts}
), picked AS (
    (SELECT DISTINCT ON (e.id) e.id, e.starts, e.person_id, e.place, j.id AS job_id, j.amount_minor, j.currency,
            j.completed_at,
            CASE WHEN j.id IS NULL THEN ARRAY[]::bigint[] ELSE ARRAY[j.id] END AS taken
       FROM enrolled e
       LEFT JOIN campaigns_job j
         ON j.tenant_id = %(tenant)s AND j.contact_id = e.person_id AND j.status = 'completed'
        AND j.completed_at >= e.starts AND j.completed_at < e.ends AND j.completed_at <= %(now)s
      WHERE e.place = 1
      ORDER BY e.id, j.completed_at, j.external_id COLLATE "C")
    UNION ALL
    SELECT e.id, e.starts, e.person_id, e.place, j.id, j.amount_minor, j.currency, j.completed_at,
           CASE WHEN j.id IS NULL THEN p.taken ELSE p.taken || j.id END
      FROM picked p
      JOIN enrolled e ON e.person_id = p.person_id AND e.place = p.place + 1
      LEFT JOIN LATERAL (
            SELECT j.id, j.amount_minor, j.currency, j.completed_at FROM campaigns_job j
             WHERE j.tenant_id = %(tenant)s AND j.contact_id = e.person_id AND j.status = 'completed'
               AND j.completed_at >= e.starts AND j.completed_at < e.ends AND j.completed_at <= %(now)s
               AND j.id <> ALL(p.taken)
             ORDER BY j.completed_at, j.external_id COLLATE "C" LIMIT 1) j ON true
)
SELECT p.id, p.starts, p.person_id, p.job_id, p.amount_minor, p.currency, p.completed_at FROM picked p
 WHERE p.job_id IS NOT NULL
    OR EXISTS (SELECT FROM campaigns_reactivation r WHERE r.tenant_id = %(tenant)s AND r.enrolment_id = p.id)
"""
OF_CONTACTS = "AND e.contact_id = ANY(%(contacts)s)"

# A job that lies after this run's moment is left to a later run: as of today it is neither there nor gone.
REMOVE = """
WITH wrong AS (
    SELECT r.id
      FROM earned x
      JOIN campaigns_reactivation r ON r.tenant_id = %(tenant)s AND r.enrolment_id = x.enrolment_id
     WHERE x.job_id IS DISTINCT FROM r.job_id
       AND (x.job_id IS NOT NULL OR r.reactivated_at <= %(now)s
            OR (SELECT j.status <> 'completed' OR j.completed_at <= %(now)s FROM campaigns_job j
                 WHERE j.tenant_id = %(tenant)s AND j.id = r.job_id))
    UNION
    SELECT r.id
      FROM earned x
      JOIN campaigns_reactivation r ON r.tenant_id = %(tenant)s AND r.job_id = x.job_id
     WHERE r.enrolment_id <> x.enrolment_id
)
DELETE FROM campaigns_reactivation r USING wrong
 WHERE r.tenant_id = %(tenant)s AND r.id = wrong.id
RETURNING r.enrolment_id, r.contact_id, r.arm, r.currency, r.amount_minor
"""

ADD = """
INSERT INTO campaigns_reactivation
       (tenant_id, enrolment_id, campaign_id, episode_id, contact_id, job_id, arm, amount_minor, currency, assigned_at,
        reactivated_at, recorded_at)
SELECT %(tenant)s, e.id, e.campaign_id, e.episode_id, x.person_id, x.job_id, e.arm, x.amount_minor, x.currency,
       x.assigned_at, x.reactivated_at, %(now)s
  FROM earned x
  JOIN campaigns_enrolment e ON e.tenant_id = %(tenant)s AND e.id = x.enrolment_id
 WHERE x.job_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM campaigns_reactivation r
                    WHERE r.tenant_id = %(tenant)s AND r.enrolment_id = x.enrolment_id)
 ORDER BY e.id
RETURNING enrolment_id, contact_id, arm, currency, amount_minor
"""

STALE = """
SELECT r.id, r.currency, r.amount_minor, x.currency, x.amount_minor
  FROM earned x
  JOIN campaigns_reactivation r ON r.tenant_id = %(tenant)s AND r.enrolment_id = x.enrolment_id AND r.job_id = x.job_id
 WHERE (r.contact_id, r.amount_minor, r.currency, r.assigned_at, r.reactivated_at)
       IS DISTINCT FROM (x.person_id, x.amount_minor, x.currency, x.assigned_at, x.reactivated_at)
"""
REFRESH = """
UPDATE campaigns_reactivation r
   SET contact_id = x.person_id, amount_minor = x.amount_minor, currency = x.currency, assigned_at = x.assigned_at,
       reactivated_at = x.reactivated_at
  FROM earned x
 WHERE r.tenant_id = %(tenant)s AND r.id = ANY(%(stale)s) AND x.enrolment_id = r.enrolment_id
"""

# Once an enrolment, also when the job was refunded in between and another one took its place.
NOTE = """
INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
SELECT %(tenant)s, 'contact.reactivated', r.contact_id, 'enrolment', r.enrolment_id,
       jsonb_build_object('campaign', r.campaign_id, 'job', r.job_id, 'arm', r.arm), %(now)s
  FROM campaigns_reactivation r
 WHERE r.tenant_id = %(tenant)s AND r.enrolment_id = ANY(%(enrolments)s)
   AND NOT EXISTS (SELECT FROM tenants_event v
                    WHERE v.tenant_id = %(tenant)s AND v.contact_id = r.contact_id
                      AND v.kind = 'contact.reactivated' AND v.subject_id = r.enrolment_id)
 ORDER BY r.enrolment_id
"""

NO_LONGER_WON = """
SELECT c FROM unnest(%(contacts)s::bigint[]) c
 WHERE NOT EXISTS (SELECT FROM campaigns_reactivation r
                    WHERE r.tenant_id = %(tenant)s AND r.contact_id = c AND r.arm = 'treated')
"""


@dataclass(frozen=True)
class Credit:
    """One reactivation that was written or taken away."""

    enrolment_id: int
    contact_id: int
    arm: str
    currency: str
    amount_minor: int


@dataclass(frozen=True)
class Credited:
    """What a run changed. ``new`` and ``gone`` count enrolments; one whose job became another is in neither."""

    new: list[Credit]
    gone: list[Credit]
    moved: int
    revenue: dict[str, int]
    """By currency, what all changes together added, in its smallest unit."""


def treated_contacts(credits: Iterable[Credit]) -> list[int]:
    """Those of them who were written to."""
    return sorted({credit.contact_id for credit in credits if credit.arm == Arm.TREATED})


def credit(tenant_id: int, *, contact_ids: Sequence[int] | None, now: datetime) -> Credited:
    """Bring the reactivations of these contacts (None: of all) into line with their jobs, and note who came back."""
    values: dict[str, Any] = {"tenant": tenant_id, "now": now}
    of_contacts = "" if contact_ids is None else OF_CONTACTS
    with connection.cursor() as cursor:
        cursor.execute(EARNED)
        cursor.execute(EARN.format(of_contacts=of_contacts), values | {"contacts": list(contact_ids or ())})
        cursor.execute("ANALYZE earned")
        cursor.execute(REMOVE, values)
        removed = [Credit(*row) for row in cursor.fetchall()]
        cursor.execute(ADD, values)
        added = [Credit(*row) for row in cursor.fetchall()]
        cursor.execute(STALE, values)
        stale = cursor.fetchall()
        if stale:
            cursor.execute(REFRESH, values | {"stale": [row[0] for row in stale]})
        before = {credit.enrolment_id for credit in removed}
        after = {credit.enrolment_id for credit in added}
        new = [credit for credit in added if credit.enrolment_id not in before]
        if new:
            cursor.execute(NOTE, values | {"enrolments": [credit.enrolment_id for credit in new]})
    revenue: dict[str, int] = {}
    changes = [(each.currency, each.amount_minor) for each in added]
    changes += [(each.currency, -each.amount_minor) for each in removed]
    for _, old_currency, old_amount, currency, amount in stale:
        changes += [(old_currency, -old_amount), (currency, amount)]
    for currency, amount in changes:
        revenue[currency] = revenue.get(currency, 0) + amount
    gone = [credit for credit in removed if credit.enrolment_id not in after]
    return Credited(new=new, gone=gone, moved=len(before & after), revenue=revenue)


def no_longer_won(tenant_id: int, contact_ids: Sequence[int]) -> list[int]:
    """Those of the contacts that no campaign has won back any more."""
    with connection.cursor() as cursor:
        cursor.execute(NO_LONGER_WON, {"tenant": tenant_id, "contacts": list(contact_ids)})
        return [row[0] for row in cursor.fetchall()]
