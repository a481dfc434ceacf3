"""Merging contacts: one set of statements a batch; a row that says nothing new touches nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.backends.utils import CursorWrapper

from campaigns.audience import erased, households, importing_consent, staging_contacts, stats
from campaigns.audience.contact_records import ContactRecord, contact_record
from campaigns.audience.import_kinds import Merged
from campaigns.audience.staging_contacts import Phase
from campaigns.audience.values import Setting
from tenants.accounts.models import Tenant
from tenants.plans import entitlements
from winback import statistics

# An empty cell says nothing and changes nothing.
_TEXTS = (
    "email", "email_key", "email_hmac", "phone", "phone_key", "phone_hmac", "first_name", "last_name", "company",
    "address", "city", "region", "postal_code", "country", "acquisition_channel",
)  # fmt: skip
# A name that nobody can tell apart says nothing of a person whose first name is known.
_SAID = {"last_name": "CASE WHEN s.name_is_whole AND c.first_name <> '' THEN '' ELSE s.last_name END"}
_DERIVED = ("address_key", "name_key", "timezone", "timezones", "acquired_on", "attributes")
_WANTED = ", ".join(f"coalesce(nullif({_SAID.get(name, f's.{name}')}, ''), c.{name}) AS {name}" for name in _TEXTS)
_PAIRS = ", ".join(f"{name} = w.{name}" for name in (*_TEXTS, *_DERIVED))
_OLD = ", ".join(f"c.{name}" for name in (*_TEXTS, *_DERIVED))
_NEW = ", ".join(f"w.{name}" for name in (*_TEXTS, *_DERIVED))
# What is derived follows what the contact has now, which may be more than the row says. A zone that is only found from
# the place or the number changes with these alone: else it would overwrite one that somebody stated.
UPDATE = f"""
WITH r AS (
    SELECT c.id, {_WANTED},
           s.first_name AS row_first_name, s.last_name AS row_last_name, s.company AS row_company,
           s.name_key AS row_name_key, s.address AS row_address, s.address_key AS row_address_key,
           s.timezone AS row_timezone, s.timezones AS row_timezones, s.zone_known,
           c.name_key AS old_name_key, c.address_key AS old_address_key, c.timezone AS old_timezone,
           c.timezones AS old_timezones, c.country AS old_country, c.region AS old_region, c.phone_key AS old_phone_key,
           coalesce(s.acquired_on, c.acquired_on) AS acquired_on, c.attributes || s.attributes AS attributes
      FROM matched_contact m
      JOIN staged_contact s ON s.line = m.line
      JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.id = m.contact_id
     WHERE m.standing = 'active'
), z AS (
    SELECT r.*, zone_known = 2 OR (zone_known = 1 AND (country, region, coalesce(phone_key, ''))
                                   <> (old_country, old_region, coalesce(old_phone_key, ''))) AS moves
      FROM r
), w AS MATERIALIZED (
    SELECT z.*,
           CASE WHEN moves THEN row_timezone ELSE old_timezone END AS timezone,
           CASE WHEN moves THEN row_timezones ELSE old_timezones END AS timezones,
           CASE WHEN row_address = '' THEN old_address_key ELSE row_address_key END AS address_key,
           CASE WHEN (first_name, last_name, company) = (row_first_name, row_last_name, row_company) THEN row_name_key
                WHEN row_name_key = '' THEN old_name_key
                ELSE lower(concat_ws(' ', nullif(last_name, ''), nullif(first_name, ''), nullif(company, '')))
           END AS name_key
      FROM z
)
UPDATE campaigns_contact c
   SET {_PAIRS}, updated_at = %(now)s
  FROM w
 WHERE c.tenant_id = %(tenant)s AND c.id = w.id AND ({_OLD}) IS DISTINCT FROM ({_NEW})
"""

INSERT = f"""
INSERT INTO campaigns_contact
       (tenant_id, id, household_id, external_id, state, email, email_key, email_hmac, phone, phone_key, phone_hmac,
        first_name, last_name, company, address, city, region, postal_code, country, timezone, timezones, acquired_on,
        acquisition_channel, address_key, name_key, attributes, created_at, updated_at)
SELECT %(tenant)s, n.contact_id, {households.HOUSEHOLD}, s.external_id, 'active', s.email, s.email_key, s.email_hmac,
       s.phone, s.phone_key, s.phone_hmac, s.first_name, s.last_name, s.company, s.address, s.city, s.region,
       s.postal_code, coalesce(nullif(s.country, ''), %(country)s), s.timezone, s.timezones, s.acquired_on,
       s.acquisition_channel, s.address_key, s.name_key, s.attributes, %(now)s, %(now)s
  FROM {households.NEWCOMERS}
  JOIN staged_contact s ON s.line = n.line
 ORDER BY n.contact_id
"""

# What is known already conflicts and stays as it is. (Asking NOT EXISTS first invites the planner to try every row of
# the tenant with such a tag.)
TAGS = """
INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at)
SELECT DISTINCT %(tenant)s::bigint, m.contact_id, t.name, 'import', NULL::timestamptz
  FROM staged_contact s
  JOIN matched_contact m ON m.line = s.line, unnest(s.tags) AS t(name)
 WHERE {standing}
ON CONFLICT (tenant_id, contact_id, name) DO NOTHING
RETURNING contact_id
"""
TAGS_OF_NEW = TAGS.format(standing="m.standing = 'new'")
TAGS_OF_KNOWN = TAGS.format(standing="m.standing IN ('active', 'merged')")
LOOK_AGAIN = "UPDATE campaigns_contactstat SET next_scan_at = %s WHERE tenant_id = %s AND contact_id = ANY(%s)"
TABLES = (
    "campaigns_contact "
    "(tenant_id, id, external_id, state, household_id, merged_into_id, email_key, phone_key, address_key)",
    "campaigns_household", "campaigns_consent (tenant_id, contact_id, channel, state)", "campaigns_contacttag",
    "campaigns_contactstat",
)  # fmt: skip
NO_ROOM = "plan_limit: the plan has no room for another contact"


class Contacts:
    """The import of contacts."""

    name = "contacts"
    key_columns = frozenset({"external_id", "email", "phone"})
    needs = (frozenset({"external_id", "email", "phone"}),)

    def prepare(self, row: dict[str, str], setting: Setting) -> ContactRecord:
        return contact_record(row, setting)

    def rough_key(self, row: dict[str, str]) -> str:
        """A phone alone may be written in many ways, of which the last digits are the same."""
        get = row.get
        rough = get("external_id") or get("email", "").lower()
        return rough or "".join(filter(str.isdecimal, get("phone", "")))[-7:]

    def key(self, prepared: ContactRecord) -> str:
        if prepared.external_id is not None:
            return f"x{prepared.external_id}"
        return f"e{prepared.email_key}" if prepared.email_key else f"p{prepared.phone_key}"

    def merge(
        self,
        cursor: CursorWrapper,
        tenant: Tenant,
        staged: list[tuple[int, Any]],
        *,
        now: datetime,
        before: int,
        many: bool,
    ) -> Merged:
        if not staged:
            return Merged()
        staging_contacts.stage(cursor, staged)
        refused = erased.refuse_contacts(cursor, tenant.pk, staged)
        values: dict[str, Any] = {
            "tenant": tenant.pk, "now": now, "dirty": stats.DIRTY, "country": tenant.country
        }  # fmt: skip
        created, over = self._insert(cursor, tenant, _phases(staged), values)
        if any(contact.external_id is None for _, contact in staged):
            cursor.execute(staging_contacts.DROP_SUPERSEDED)
        cursor.execute("ANALYZE matched_contact")
        cursor.execute(UPDATE, values)
        updated = cursor.rowcount
        if any(contact.consents for _, contact in staged):
            importing_consent.add(cursor, values)
        if any(contact.tags for _, contact in staged):
            cursor.execute(TAGS_OF_NEW, values)  # whose sums are new, so that the scan looks at them anyway
            cursor.execute(TAGS_OF_KNOWN, values)
            tagged = [contact_id for (contact_id,) in cursor.fetchall()]
            if tagged:
                cursor.execute(LOOK_AGAIN, [stats.DIRTY, tenant.pk, tagged])
        statistics.keep_up_with(cursor, TABLES, tenant.pk, before + created)
        over += refused
        return Merged(created, updated, max(len(staged) - created - updated - len(over), 0), over)

    def _insert(
        self, cursor: CursorWrapper, tenant: Tenant, phases: Sequence[Phase], values: dict[str, Any]
    ) -> tuple[int, list[tuple[int, str]]]:
        """Match each phase's rows and make the contacts that are missing.

        Returns how many were made, and the lines for which the plan has no room.
        """
        created = 0
        over: list[tuple[int, str]] = []
        for phase, matches in phases:
            for statement in matches:
                cursor.execute(statement, values)
            cursor.execute(staging_contacts.COUNT_NEW.format(phase=phase))
            wanted = cursor.fetchone()[0]
            room = _room(cursor, tenant, wanted, now=values["now"])
            if room < wanted:
                cursor.execute(staging_contacts.NEW_LINES.format(phase=phase), {"room": room})
                over += [(line, NO_ROOM) for (line,) in cursor.fetchall()]
            if room > 0:
                cursor.execute(staging_contacts.NUMBER_NEW.format(phase=phase), {"room": room})
                cursor.execute("ANALYZE matched_contact")
                households.find(cursor, tenant.pk, phase, now=values["now"])
                cursor.execute(INSERT, values)
                created += cursor.rowcount
                stats.add_missing(cursor, tenant.pk)
        return created, over

    def catch_up(self, cursor: CursorWrapper, tenant: Tenant) -> None:
        """Every batch leaves the contacts complete."""

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]:
        cursor.execute(
            "SELECT count(*), max(updated_at) FROM campaigns_contact WHERE tenant_id = %s AND state = 'active'",
            [tenant.pk],
        )
        number, newest_at = cursor.fetchone()
        return number, newest_at


def _phases(staged: Sequence[tuple[int, ContactRecord]]) -> list[Phase]:
    """The phases for which there is a row."""
    present = {
        staging_contacts.WITH_ID
        if contact.external_id is not None
        else staging_contacts.BY_EMAIL
        if contact.email_key
        else staging_contacts.BY_PHONE
        for _, contact in staged
    }
    return [phase for phase in staging_contacts.PHASES if phase[0] in present]


def _room(cursor: CursorWrapper, tenant: Tenant, wanted: int, *, now: datetime) -> int:
    """How many new contacts the plan still has room for."""
    if not wanted:
        return 0
    entitlements.hold(tenant, "contacts")
    cursor.execute("SELECT count(*) FROM campaigns_contact WHERE tenant_id = %s AND state = 'active'", [tenant.pk])
    used = cursor.fetchone()[0]
    decision = entitlements.decide(tenant, "contacts", wanted, now=now, used=used)
    if decision.allowed:
        return wanted
    return max(decision.limit - used, 0) if decision.limit is not None else 0
