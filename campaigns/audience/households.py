"""Who lives together: contacts that share an e-mail, a phone or an address. Caps are counted over a household.

Found by passing the smallest label along shared keys until nothing changes. A key that more than a few contacts share
(a landlord's office, a walk-in number) is no evidence. A household once given is never changed by an import.
"""

from datetime import datetime

from django.db.backends.utils import CursorWrapper

MOST_SHARING = 8

# Labels of households that exist are smaller than any contact's id, the oldest smallest: they win.
_OFFSET = 1 << 62

# For the statement that writes the contacts: whom the batch makes, and each one's household.
NEWCOMERS = "newcomer n LEFT JOIN made_household h ON h.label = n.label"
HOUSEHOLD = f"coalesce(h.id, n.label + {_OFFSET})"

PREPARE = """
CREATE TEMPORARY TABLE IF NOT EXISTS newcomer (line bigint, contact_id bigint, label bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS shared (key text, contact_id bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS settled (key text, label bigint, sharing bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS made_household (label bigint, id bigint, key text) ON COMMIT DROP;
TRUNCATE newcomer, shared, settled, made_household
"""

FIND_NEWCOMERS = """
INSERT INTO newcomer
SELECT m.line, m.contact_id, m.contact_id
  FROM matched_contact m JOIN staged_contact s ON s.line = m.line
 WHERE m.standing = 'new' AND {phase}
"""

# Contacts that were here before and share a key bring the household's label.
_SETTLED = """
SELECT '{letter}' || c.{column} AS key, c.household_id - %(offset)s AS label
  FROM campaigns_contact c
  JOIN (SELECT DISTINCT s.{column} FROM newcomer n JOIN staged_contact s ON s.line = n.line
         WHERE s.{column} IS NOT NULL) k ON c.{column} = k.{column}
 WHERE c.tenant_id = %(tenant)s
"""
_KEYS = (("e", "email_key"), ("p", "phone_key"), ("a", "address_key"))
SETTLED = f"""
INSERT INTO settled
SELECT key, min(label), count(*)
  FROM ({"UNION ALL".join(_SETTLED.format(letter=letter, column=column) for letter, column in _KEYS)}) k
 GROUP BY key
"""

_KEY = """
SELECT '{letter}' || s.{column} AS key, n.contact_id FROM new n JOIN staged_contact s ON s.line = n.line
 WHERE s.{column} IS NOT NULL
"""
SHARED = f"""
INSERT INTO shared
WITH new AS MATERIALIZED (SELECT line, contact_id FROM newcomer), keys AS MATERIALIZED (
    {" UNION ALL ".join(_KEY.format(letter=letter, column=column) for letter, column in _KEYS)}
), counted AS (
    SELECT k.key, count(*) AS sharing FROM keys k GROUP BY k.key
), common AS MATERIALIZED (
    SELECT c.key FROM counted c LEFT JOIN settled s ON s.key = c.key
     WHERE (c.sharing > 1 OR s.key IS NOT NULL) AND c.sharing + coalesce(s.sharing, 0) <= %(most)s
)
SELECT keys.key, keys.contact_id FROM keys JOIN common ON common.key = keys.key
"""

PASS_ON = """
UPDATE newcomer n SET label = best.label
  FROM (SELECT s.contact_id, min(k.label) AS label
          FROM shared s
          JOIN (SELECT key, min(label) AS label FROM (
                    SELECT s.key, n.label FROM shared s JOIN newcomer n ON n.contact_id = s.contact_id
                    UNION ALL SELECT key, label FROM settled) l
                 GROUP BY key) k ON k.key = s.key
         GROUP BY s.contact_id) best
 WHERE best.contact_id = n.contact_id AND best.label < n.label
"""

SHORTEN = """
UPDATE newcomer n SET label = r.label FROM newcomer r WHERE r.contact_id = n.label AND r.label < n.label
"""

# The key says whose household it is in every database alike: arms are drawn by it.
NUMBER = """
INSERT INTO made_household
SELECT n.label, nextval((SELECT pg_get_serial_sequence('campaigns_household', 'id')::regclass)),
       CASE WHEN s.external_id IS NULL THEN 'contact-' || n.contact_id
            WHEN length(s.external_id) <= 60 AND s.external_id !~ '^(contact|digest)-' THEN s.external_id
            ELSE 'digest-' || md5(s.external_id) END
  FROM newcomer n
  JOIN staged_contact s ON s.line = n.line
 WHERE n.label = n.contact_id
"""
MAKE = """
INSERT INTO campaigns_household (tenant_id, id, key, created_at)
SELECT %(tenant)s, id, key, %(now)s FROM made_household ORDER BY id
ON CONFLICT (tenant_id, key) DO NOTHING
"""
# A household whose first contact was forgotten and comes again: it is still that household.
FIND_MADE_BEFORE = """
UPDATE made_household m SET id = h.id
  FROM campaigns_household h
 WHERE h.tenant_id = %(tenant)s AND h.key = m.key AND h.id <> m.id
"""


def find(cursor: CursorWrapper, tenant_id: int, phase: str, *, now: datetime) -> None:
    """Find or make the household of each contact that the staged batch is about to make (see NEWCOMERS)."""
    values: dict[str, int | datetime] = {"tenant": tenant_id, "now": now, "most": MOST_SHARING, "offset": _OFFSET}
    cursor.execute(PREPARE)
    cursor.execute(FIND_NEWCOMERS.format(phase=phase))
    cursor.execute("ANALYZE newcomer")
    cursor.execute(SETTLED, values)
    cursor.execute(SHARED, values)
    if cursor.rowcount:
        cursor.execute("ANALYZE shared; ANALYZE settled")
        passed_on = True
        while passed_on:  # labels only ever become smaller, and halve their way each time
            cursor.execute(PASS_ON)
            passed_on = bool(cursor.rowcount)
            cursor.execute(SHORTEN)
    cursor.execute(NUMBER)
    wanted = cursor.rowcount
    cursor.execute("ANALYZE made_household")
    cursor.execute(MAKE, values)
    if cursor.rowcount < wanted:
        cursor.execute(FIND_MADE_BEFORE, values)
