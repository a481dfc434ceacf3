"""Merging contacts: one set of statements a batch; a row that says nothing new touches nothing."""

import json
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience import addresses, households, stats
from campaigns.audience.importing import Merged
from campaigns.audience.records import ContactRecord, Setting, contact_record
from tenants.accounts.models import Tenant
from tenants.plans import entitlements

_COLUMNS = (
    "line", "external_id", "email", "email_key", "email_hmac", "phone", "phone_key", "phone_hmac", "first_name",
    "last_name", "company", "address", "city", "region", "postal_code", "country", "timezone", "timezones",
    "acquired_on", "acquisition_channel", "address_key", "name_key", "attributes", "tags",
)  # fmt: skip

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_contact (
    line bigint, external_id text, email text, email_key text, email_hmac text, phone text, phone_key text,
    phone_hmac text, first_name text, last_name text, company text, address text, city text, region text,
    postal_code text, country text, timezone text, timezones varchar[], acquired_on date, acquisition_channel text,
    address_key text, name_key text, attributes jsonb, tags text[], contact_id bigint, is_new boolean DEFAULT false
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_consent (
    line bigint, channel text, state text, stated_at timestamptz, source text, wording text
) ON COMMIT DROP;
TRUNCATE staged_contact, staged_consent
"""

# Of rows that mean the same contact the later one wins.
KEEP_LAST = """
DELETE FROM staged_contact s USING (
    SELECT line, row_number() OVER (PARTITION BY coalesce('x' || external_id, 'e' || email_key, 'p' || phone_key)
                                    ORDER BY line DESC) AS place
      FROM staged_contact) r
 WHERE s.line = r.line AND r.place > 1
"""

# By external id alone; e-mail and phone match only rows that come without one.
MATCH = [
    """
UPDATE staged_contact s SET contact_id = c.id
  FROM campaigns_contact c
 WHERE c.tenant_id = %(tenant)s AND c.external_id = s.external_id
""",
    """
UPDATE staged_contact s SET contact_id = m.id
  FROM (SELECT s.line, min(c.id) AS id
          FROM staged_contact s
          JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.email_key = s.email_key AND c.state = 'active'
         WHERE s.external_id IS NULL AND s.email_key IS NOT NULL
         GROUP BY s.line) m
 WHERE m.line = s.line
""",
    """
UPDATE staged_contact s SET contact_id = m.id
  FROM (SELECT s.line, min(c.id) AS id
          FROM staged_contact s
          JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.phone_key = s.phone_key AND c.state = 'active'
         WHERE s.external_id IS NULL AND s.contact_id IS NULL AND s.phone_key IS NOT NULL
         GROUP BY s.line) m
 WHERE m.line = s.line
""",
]

# An empty cell says nothing and changes nothing. An erased contact does not come back by an import.
_TEXTS = (
    "email", "email_key", "email_hmac", "phone", "phone_key", "phone_hmac", "first_name", "last_name", "company",
    "address", "city", "region", "postal_code", "country", "acquisition_channel", "address_key",
)  # fmt: skip
_WANTED = ", ".join(f"coalesce(nullif(s.{name}, ''), c.{name}) AS {name}" for name in _TEXTS)
_PAIRS = ", ".join(f"{name} = w.{name}" for name in (*_TEXTS, "name_key", "timezone", "timezones", "acquired_on"))
_OLD = ", ".join(f"c.{name}" for name in (*_TEXTS, "name_key", "timezone", "timezones", "acquired_on"))
_NEW = ", ".join(f"w.{name}" for name in (*_TEXTS, "name_key", "timezone", "timezones", "acquired_on"))
UPDATE = f"""
WITH w AS MATERIALIZED (
    SELECT c.id, {_WANTED},
           coalesce(nullif(s.name_key, ''), c.name_key) AS name_key,
           s.timezone, s.timezones, coalesce(s.acquired_on, c.acquired_on) AS acquired_on,
           c.attributes || s.attributes AS attributes
      FROM (SELECT DISTINCT ON (contact_id) * FROM staged_contact
             WHERE contact_id IS NOT NULL ORDER BY contact_id, line DESC) s
      JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.id = s.contact_id
)
UPDATE campaigns_contact c
   SET {_PAIRS}, attributes = w.attributes, updated_at = %(now)s
  FROM w
 WHERE c.tenant_id = %(tenant)s AND c.id = w.id AND c.state = 'active'
   AND ({_OLD}, c.attributes) IS DISTINCT FROM ({_NEW}, w.attributes)
"""

INSERT = """
WITH made AS (
    INSERT INTO campaigns_contact
           (tenant_id, external_id, state, email, email_key, email_hmac, phone, phone_key, phone_hmac, first_name,
            last_name, company, address, city, region, postal_code, country, timezone, timezones, acquired_on,
            acquisition_channel, address_key, name_key, attributes, created_at, updated_at)
    SELECT %(tenant)s, external_id, 'active', coalesce(email, ''), email_key, email_hmac, coalesce(phone, ''),
           phone_key, phone_hmac, first_name, last_name, company, address, city, region, postal_code, country,
           timezone, timezones, acquired_on, acquisition_channel, address_key, name_key, attributes, %(now)s, %(now)s
      FROM staged_contact
     WHERE contact_id IS NULL
     ORDER BY line
     LIMIT %(room)s
    RETURNING id, external_id, email_key, phone_key
)
UPDATE staged_contact s
   SET contact_id = made.id, is_new = true
  FROM made
 WHERE s.contact_id IS NULL
   AND coalesce('x' || s.external_id, 'e' || s.email_key, 'p' || s.phone_key)
     = coalesce('x' || made.external_id, 'e' || made.email_key, 'p' || made.phone_key)
"""

# A consent fact only where it differs from the latest that is known: importing twice adds nothing.
CONSENT = """
INSERT INTO campaigns_consent
       (tenant_id, contact_id, channel, state, stated_at, source, wording, evidence, recorded_at, recorded_by)
SELECT %(tenant)s, s.contact_id, f.channel, f.state, f.stated_at, f.source, f.wording, '{}', %(now)s, 'import'
  FROM staged_consent f
  JOIN staged_contact s ON s.line = f.line AND s.contact_id IS NOT NULL
  LEFT JOIN LATERAL (
        SELECT state, stated_at, source, wording FROM campaigns_consent k
         WHERE k.tenant_id = %(tenant)s AND k.contact_id = s.contact_id AND k.channel = f.channel
         ORDER BY k.id DESC LIMIT 1) latest ON true
 WHERE (latest.state, latest.stated_at, latest.source, latest.wording)
       IS DISTINCT FROM (f.state, f.stated_at, f.source, f.wording)
   -- What the person did since the file's own date stands: an older file does not turn consent on again.
   AND NOT (coalesce(latest.state, '') = 'withdrawn' AND f.state = 'given'
            AND coalesce(f.stated_at, '-infinity') <= coalesce(latest.stated_at, 'infinity'))
 ORDER BY s.contact_id, f.channel
"""

TAGS = """
WITH added AS (
    INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at)
    SELECT %(tenant)s, s.contact_id, t.name, 'import', NULL
      FROM staged_contact s, unnest(s.tags) AS t(name)
     WHERE s.contact_id IS NOT NULL
     ORDER BY s.contact_id, t.name
    ON CONFLICT (tenant_id, contact_id, name) DO NOTHING
    RETURNING contact_id
)
UPDATE campaigns_contactstat SET next_scan_at = %(dirty)s
 WHERE tenant_id = %(tenant)s AND contact_id IN (SELECT contact_id FROM added)
"""


class Contacts:
    """The import of contacts."""

    name = "contacts"

    def prepare(self, row: dict[str, str], setting: Setting) -> ContactRecord:
        return contact_record(row, setting)

    def merge(
        self, cursor: CursorWrapper, tenant: Tenant, staged: list[tuple[int, Any]], *, now: datetime
    ) -> Merged:
        cursor.execute(STAGE)
        # Made before the COPY begins: the first digest reads the installation's key over this very connection.
        rows = [_staged(line, contact) for line, contact in staged]
        with cursor.copy(f"COPY staged_contact ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        with cursor.copy("COPY staged_consent FROM STDIN") as copy:
            for line, contact in staged:
                for channel, claim in contact.consents.items():
                    copy.write_row((line, channel, claim.state, claim.stated_at, claim.source, claim.wording))
        values: dict[str, Any] = {"tenant": tenant.pk, "now": now, "dirty": stats.DIRTY}
        cursor.execute(KEEP_LAST)
        superseded = cursor.rowcount
        for statement in MATCH:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE staged_contact")
        cursor.execute("SELECT count(*) FILTER (WHERE contact_id IS NULL), count(*) FROM staged_contact")
        wanted, kept = cursor.fetchone()
        cursor.execute(UPDATE, values)
        updated = cursor.rowcount
        cursor.execute(INSERT, values | {"room": _room(cursor, tenant, wanted, now=now)})
        created = cursor.rowcount
        stats.add_missing(cursor, tenant.pk)
        cursor.execute(CONSENT, values)
        cursor.execute(TAGS, values)
        households.assign(cursor, tenant.pk, now=now)
        cursor.execute("SELECT line FROM staged_contact WHERE contact_id IS NULL ORDER BY line")
        over = [(line, "plan_limit: the plan has no room for another contact") for (line,) in cursor.fetchall()]
        return Merged(created, updated, kept - created - updated - len(over) + superseded, over)

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]:
        cursor.execute(
            "SELECT count(*), max(updated_at) FROM campaigns_contact WHERE tenant_id = %s AND state = 'active'",
            [tenant.pk],
        )
        number, newest_at = cursor.fetchone()
        return number, newest_at


def _staged(line: int, contact: ContactRecord) -> tuple[Any, ...]:
    address, city, region, postal_code, country = contact.place
    first, last, company = contact.names
    return (
        line,
        contact.external_id,
        contact.email,
        contact.email_key,
        addresses.address_hmac(contact.email_key) if contact.email_key else None,
        contact.phone,
        contact.phone_key,
        addresses.address_hmac(contact.phone_key) if contact.phone_key else None,
        first,
        last,
        company,
        address,
        city,
        region,
        postal_code,
        country,
        contact.timezone,
        contact.timezones,
        contact.acquired_on,
        contact.acquisition_channel,
        addresses.address_key(address, city, postal_code),
        addresses.name_key(last, first, company),
        json.dumps(contact.attributes),
        contact.tags,
    )


def _room(cursor: CursorWrapper, tenant: Tenant, wanted: int, *, now: datetime) -> int:
    """How many new contacts the plan still has room for."""
    if not wanted:
        return 0
    entitlements.hold(tenant, "contacts")
    cursor.execute("SELECT count(*) FROM campaigns_contact WHERE tenant_id = %s AND state = 'active'", [tenant.pk])
    used = cursor.fetchone()[0]
    decision = entitlements.decide(tenant, "contacts", wanted, now=now, used=used)
    if decision.allowed or decision.limit is None:
        return wanted
    return max(decision.limit - used, 0)
