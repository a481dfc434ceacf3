"""Who lives together: contacts that share an e-mail, a phone or an address. Caps are counted over a household.

Found by passing the smallest label along shared keys until nothing changes. A key that more than a few contacts share
(a landlord's office, a walk-in number) is no evidence. A household once given is never changed by an import.
"""

from datetime import datetime

from django.db.backends.utils import CursorWrapper

MOST_SHARING = 8
MOST_ROUNDS = 50

# Labels of households that exist are smaller than any contact's id, the oldest smallest: they win.
_OFFSET = 1 << 62

PREPARE = """
CREATE TEMPORARY TABLE IF NOT EXISTS newcomer (contact_id bigint PRIMARY KEY, label bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS shared (key text, contact_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS settled (key text PRIMARY KEY, label bigint) ON COMMIT DROP;
TRUNCATE newcomer, shared, settled
"""

NEWCOMERS = "INSERT INTO newcomer SELECT contact_id, contact_id FROM staged_contact WHERE is_new"

KEYS = """
INSERT INTO shared
SELECT x.key, s.contact_id
  FROM staged_contact s,
       LATERAL (VALUES ('e' || s.email_key), ('p' || s.phone_key), ('a' || s.address_key)) x(key)
 WHERE s.is_new AND x.key IS NOT NULL
"""

# Contacts that were here before and share a key bring the household's label.
SETTLED = """
INSERT INTO settled
SELECT key, min(label) FROM (
    SELECT 'e' || c.email_key AS key, c.household_id - %(offset)s AS label
      FROM campaigns_contact c
      JOIN (SELECT DISTINCT email_key FROM staged_contact WHERE is_new AND email_key IS NOT NULL) n
        ON c.email_key = n.email_key
     WHERE c.tenant_id = %(tenant)s AND c.household_id IS NOT NULL
    UNION ALL
    SELECT 'p' || c.phone_key, c.household_id - %(offset)s
      FROM campaigns_contact c
      JOIN (SELECT DISTINCT phone_key FROM staged_contact WHERE is_new AND phone_key IS NOT NULL) n
        ON c.phone_key = n.phone_key
     WHERE c.tenant_id = %(tenant)s AND c.household_id IS NOT NULL
    UNION ALL
    SELECT 'a' || c.address_key, c.household_id - %(offset)s
      FROM campaigns_contact c
      JOIN (SELECT DISTINCT address_key FROM staged_contact WHERE is_new AND address_key IS NOT NULL) n
        ON c.address_key = n.address_key
     WHERE c.tenant_id = %(tenant)s AND c.household_id IS NOT NULL) k
 GROUP BY key
HAVING count(*) < %(most)s
"""

DROP_COMMON = """
DELETE FROM shared WHERE key IN (SELECT key FROM shared GROUP BY key HAVING count(*) > %(most)s)
"""

PASS_ON = """
UPDATE newcomer n SET label = best.label
  FROM (SELECT s.contact_id, min(k.label) AS label
          FROM shared s
          JOIN (SELECT key, min(label) AS label FROM (
                    SELECT s.key, n.label FROM shared s JOIN newcomer n USING (contact_id)
                    UNION ALL SELECT key, label FROM settled) l
                 GROUP BY key) k USING (key)
         GROUP BY s.contact_id) best
 WHERE best.contact_id = n.contact_id AND best.label < n.label
"""

MAKE = """
INSERT INTO campaigns_household (tenant_id, key, created_at)
SELECT %(tenant)s, coalesce(left(c.external_id, 60), 'contact-' || c.id), %(now)s
  FROM (SELECT DISTINCT label FROM newcomer WHERE label > 0) n
  JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.id = n.label
 ORDER BY c.id
ON CONFLICT (tenant_id, key) DO NOTHING
"""

# Two statements instead of one with a CASE in the join, which no hash join could serve.
GIVE_NEW = """
UPDATE campaigns_contact c SET household_id = h.id
  FROM newcomer n
  JOIN campaigns_contact f ON f.tenant_id = %(tenant)s AND f.id = n.label
  JOIN campaigns_household h ON h.tenant_id = %(tenant)s
       AND h.key = coalesce(left(f.external_id, 60), 'contact-' || f.id)
 WHERE c.tenant_id = %(tenant)s AND c.id = n.contact_id AND n.label > 0
"""
GIVE_SETTLED = """
UPDATE campaigns_contact c SET household_id = n.label + %(offset)s
  FROM newcomer n
 WHERE c.tenant_id = %(tenant)s AND c.id = n.contact_id AND n.label < 0
"""


def assign(cursor: CursorWrapper, tenant_id: int, *, now: datetime) -> None:
    """Give each contact that the staged batch made its household."""
    values = {"tenant": tenant_id, "now": now, "most": MOST_SHARING, "offset": _OFFSET}
    cursor.execute(PREPARE)
    cursor.execute(NEWCOMERS)
    if not cursor.rowcount:
        return
    cursor.execute(KEYS)
    cursor.execute(SETTLED, values)
    cursor.execute(DROP_COMMON, values)
    cursor.execute("ANALYZE newcomer; ANALYZE shared; ANALYZE settled")
    for _ in range(MOST_ROUNDS):
        cursor.execute(PASS_ON)
        if not cursor.rowcount:
            break
    cursor.execute(MAKE, values)
    cursor.execute(GIVE_NEW, values)
    cursor.execute(GIVE_SETTLED, values)
