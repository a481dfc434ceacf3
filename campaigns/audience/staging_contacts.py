"""A batch of contacts in temporary tables, and to which contact of the tenant each row belongs.

By external id alone; e-mail and phone match only rows that come without one. Rows with an external id are settled
first, then those with an e-mail address, then those with a phone alone, each seeing the contacts that the ones before
it made: so importing the file again finds what this import made.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience import addresses
from campaigns.audience.contact_records import ContactRecord
from campaigns.audience.values import as_array, as_json

COLUMNS = (
    "line", "external_id", "email", "email_key", "email_hmac", "phone", "phone_key", "phone_hmac", "first_name",
    "last_name", "name_is_whole", "company", "address", "city", "region", "postal_code", "country", "timezone",
    "timezones", "zone_known", "acquired_on", "acquisition_channel", "address_key", "name_key", "attributes", "tags",
)  # fmt: skip

STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_contact (
    line bigint, external_id text, email text, email_key text, email_hmac text, phone text, phone_key text,
    phone_hmac text, first_name text, last_name text, name_is_whole boolean, company text, address text, city text,
    region text, postal_code text, country text, timezone text, timezones varchar[], zone_known smallint,
    acquired_on date, acquisition_channel text, address_key text, name_key text, attributes jsonb, tags text[]
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_consent (
    line bigint, channel text, purpose text, state text, stated_at timestamptz, source text, wording text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE IF NOT EXISTS matched_contact (line bigint, contact_id bigint, standing text) ON COMMIT DROP;
TRUNCATE staged_contact, staged_consent, matched_contact
"""

WITH_ID = "s.external_id IS NOT NULL"
BY_EMAIL = "s.external_id IS NULL AND s.email_key IS NOT NULL"
BY_PHONE = "s.external_id IS NULL AND s.email_key IS NULL"

# A contact that was merged into another hands on what a file forbids for it (importing_contacts).
_MATCH_ID = """
INSERT INTO matched_contact
SELECT s.line, coalesce(c.merged_into_id, c.id), c.state
  FROM staged_contact s
  JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.external_id = s.external_id
"""
_MATCH_EMAIL = """
INSERT INTO matched_contact
SELECT s.line, min(c.id), 'active'
  FROM staged_contact s
  JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.email_key = s.email_key AND c.state = 'active'
 WHERE s.external_id IS NULL
 GROUP BY s.line
"""
# One phone in a family, an address each: a number finds only a contact whose address is not known, and only once.
_MATCH_PHONE_OF_ADDRESSLESS = """
INSERT INTO matched_contact
SELECT min(x.line), x.contact_id, 'active'
  FROM (SELECT s.line, min(c.id) AS contact_id
          FROM staged_contact s
          JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.phone_key = s.phone_key AND c.state = 'active'
                                  AND c.email_key IS NULL
         WHERE s.external_id IS NULL AND s.email_key IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM matched_contact m WHERE m.line = s.line)
         GROUP BY s.line) x
 GROUP BY x.contact_id
"""
_MATCH_PHONE = """
INSERT INTO matched_contact
SELECT s.line, min(c.id), 'active'
  FROM staged_contact s
  JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.phone_key = s.phone_key AND c.state = 'active'
 WHERE s.external_id IS NULL AND s.email_key IS NULL
 GROUP BY s.line
"""
Phase = tuple[str, tuple[str, ...]]
PHASES: tuple[Phase, ...] = (
    (WITH_ID, (_MATCH_ID,)),
    (BY_EMAIL, (_MATCH_EMAIL, _MATCH_PHONE_OF_ADDRESSLESS)),
    (BY_PHONE, (_MATCH_PHONE,)),
)

COUNT_NEW = """
SELECT count(*) FROM staged_contact s
 WHERE {phase} AND NOT EXISTS (SELECT 1 FROM matched_contact m WHERE m.line = s.line)
"""
NEW_LINES = """
SELECT s.line FROM staged_contact s
 WHERE {phase} AND NOT EXISTS (SELECT 1 FROM matched_contact m WHERE m.line = s.line)
 ORDER BY s.line OFFSET %(room)s
"""
# New contacts get their ids before they are written, so that their households can be found first.
NUMBER_NEW = """
INSERT INTO matched_contact
SELECT line, nextval((SELECT pg_get_serial_sequence('campaigns_contact', 'id')::regclass)), 'new'
  FROM (SELECT s.line FROM staged_contact s
         WHERE {phase} AND NOT EXISTS (SELECT 1 FROM matched_contact m WHERE m.line = s.line)
         ORDER BY s.line LIMIT %(room)s) x
"""
# Of rows that turned out to mean the same contact the later one wins.
DROP_SUPERSEDED = """
DELETE FROM matched_contact m
 USING (SELECT contact_id, max(line) AS line FROM matched_contact WHERE standing IN ('active', 'new')
         GROUP BY contact_id HAVING count(*) > 1) w
 WHERE m.contact_id = w.contact_id AND m.line < w.line AND m.standing IN ('active', 'new')
"""


def stage(cursor: CursorWrapper, records: Sequence[tuple[int, ContactRecord]]) -> None:
    """Copy the records into the temporary tables."""
    cursor.execute(STAGE)
    # Made before the COPY begins: the first digest reads the installation's key over this very connection.
    digest = addresses.address_digest()
    rows = [_values(line, contact, digest) for line, contact in records]
    with cursor.copy(f"COPY staged_contact ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    if any(contact.consents for _, contact in records):
        with cursor.copy("COPY staged_consent FROM STDIN") as copy:
            for line, contact in records:
                for claim in contact.consents:
                    said = (claim.state, claim.stated_at, claim.source, claim.wording)
                    copy.write_row((line, claim.channel, claim.purpose, *said))
        cursor.execute("ANALYZE staged_consent (line, channel)")
    # Only what is joined by: the statistics of arrays and JSON would cost more than the joins.
    cursor.execute("ANALYZE staged_contact (line, external_id, email_key, phone_key, address_key)")


def _values(line: int, contact: ContactRecord, digest: Callable[[str], str]) -> tuple[Any, ...]:
    address, city, region, postal_code, country = contact.place
    first, last, company, is_whole = contact.names
    return (
        line,
        contact.external_id,
        contact.email,
        contact.email_key,
        digest(contact.email_key) if contact.email_key else None,
        contact.phone,
        contact.phone_key,
        digest(contact.phone_key) if contact.phone_key else None,
        first,
        last,
        is_whole,
        company,
        address,
        city,
        region,
        postal_code,
        country,
        contact.zones[0],
        as_array(contact.zones),
        int(contact.zone_known),
        contact.acquired_on,
        contact.acquisition_channel,
        addresses.address_key(address, city, postal_code) if address else None,
        addresses.name_key(last, first, company),
        as_json(contact.attributes),
        as_array(contact.tags) if contact.tags else "{}",
    )
