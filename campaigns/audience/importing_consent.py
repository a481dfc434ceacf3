"""Consent that a file states: a fact is added only where it is news, and an older file turns nothing on again.

* ``no`` is always taken, unless it is dated before the latest fact, or is the very fact that was known when the person
  said yes somewhere else than in a file.
* ``yes`` after a withdrawal needs a date that lies after it.
* The same fact again, or one that says less than the latest of its kind, adds nothing.
* A ground (``soft_opt_in``, ``inquired``) is kept beside them: it revives nothing that was withdrawn.
* A ``yes`` that a replay meets before its day is kept once, and is nothing to compare with until then. After a ``no``
  it is kept where that has a date, which lies before it: a ``no`` of a day to come is heeded at once, without its date.
"""

from typing import Any

from django.db.backends.utils import CursorWrapper

_FACT = (
    "%(tenant)s, m.contact_id, f.channel, f.purpose, f.state, f.stated_at, f.source, f.wording, '{}', %(now)s, 'import'"
)
_INTO = """
INSERT INTO campaigns_consent
       (tenant_id, contact_id, channel, purpose, state, stated_at, source, wording, evidence, recorded_at, recorded_by)
"""

OF_NEW = f"""
{_INTO}
SELECT {_FACT}
  FROM staged_consent f
  JOIN matched_contact m ON m.line = f.line AND m.standing = 'new'
 ORDER BY m.contact_id, f.channel, f.purpose
"""

OF_KNOWN = f"""
{_INTO}
SELECT {_FACT}
  FROM staged_consent f
  -- The row of a contact that was merged into another can only forbid.
  JOIN matched_contact m ON m.line = f.line
       AND (m.standing = 'active' OR (m.standing = 'merged' AND f.state = 'withdrawn'))
  LEFT JOIN LATERAL (
        SELECT k.state, k.stated_at, k.recorded_at, k.recorded_by FROM campaigns_consent k
         WHERE k.tenant_id = %(tenant)s AND k.contact_id = m.contact_id AND k.channel = f.channel
           AND k.purpose = f.purpose AND k.state IN ('given', 'withdrawn')
           AND (k.state = 'withdrawn' OR k.stated_at IS NULL OR k.stated_at <= %(now)s)
         ORDER BY k.id DESC LIMIT 1) latest ON true
  LEFT JOIN LATERAL (
        SELECT true AS is_known FROM campaigns_consent k
         WHERE k.tenant_id = %(tenant)s AND k.contact_id = m.contact_id AND k.channel = f.channel
           AND k.purpose = f.purpose AND (k.state, k.source, k.wording) = (f.state, f.source, f.wording)
           AND k.stated_at IS NOT DISTINCT FROM f.stated_at
         LIMIT 1) same ON true
 WHERE CASE
       WHEN f.state NOT IN ('given', 'withdrawn') THEN same.is_known IS NULL
       WHEN f.state = 'given' AND f.stated_at > %(now)s
            THEN same.is_known IS NULL
                 AND (latest.state IS DISTINCT FROM 'withdrawn' OR f.stated_at > latest.stated_at)
       WHEN latest.state IS NULL THEN true
       WHEN f.stated_at < latest.stated_at THEN false
       WHEN latest.state = f.state
            THEN same.is_known IS NULL AND (f.stated_at IS NOT NULL OR f.source <> '' OR f.wording <> '')
       WHEN f.state = 'withdrawn' THEN same.is_known IS NULL OR latest.recorded_by = 'import'
       ELSE f.stated_at > coalesce(latest.stated_at, latest.recorded_at)
       END
 ORDER BY m.contact_id, f.channel, f.purpose
"""


def add(cursor: CursorWrapper, values: dict[str, Any]) -> None:
    """Add the staged facts that are news."""
    cursor.execute(OF_KNOWN, values)  # first: the contacts that are new have no facts to compare with
    cursor.execute(OF_NEW, values)
