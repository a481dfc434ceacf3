"""What audience knows of people who are erased: emptied, closed or removed, in one statement a table.

A contact's row stays, empty, so that what it bought and on which side of the experiment it was keeps counting; what it
agreed to and refused stays as a state with its day. Addresses stay as keyed digests that forbid writing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.audience import import_batches
from campaigns.audience.models import Job
from campaigns.audience.people import People, erased_number, household_keys
from tenants.accounts.models import Tenant
from tenants.journal.forgetting import append_only_opened

ERASURE = "erasure"
"""The reason of the suppressions that keep a person from coming back."""

# Whatever forbade writing to the address before, from now on it is this: no text and no import takes it back.
SUPPRESS = """
INSERT INTO campaigns_suppression AS s
       (tenant_id, channel, address_hmac, brand_id, reason, source, contact_id, occurred_at, lifted_by, lifted_note)
SELECT %(tenant)s, 'all', d.digest, NULL, %(reason)s, 'erasure', NULL, %(now)s, '', ''
  FROM unnest(%(digests)s::text[]) AS d(digest)
 ORDER BY d.digest
    ON CONFLICT (tenant_id, address_hmac, channel, brand_id) WHERE lifted_at IS NULL DO UPDATE
       SET reason = excluded.reason, source = excluded.source, contact_id = NULL, occurred_at = excluded.occurred_at
     WHERE s.reason <> excluded.reason
"""

_EMPTY = ("email", "phone", "first_name", "last_name", "company", "address", "city", "region", "postal_code",
          "acquisition_channel", "name_key")  # fmt: skip
_NULL = ("email_key", "phone_key", "address_key", "email_hmac", "phone_hmac", "acquired_on")

STATEMENTS: tuple[tuple[str, str], ...] = (
    (
        "campaigns_contact",
        f"""
UPDATE campaigns_contact c
   SET state = 'erased', external_id = x.number, timezone = '', timezones = '{{}}', attributes = '{{}}',
       {", ".join(f"{name} = ''" for name in _EMPTY)}, {", ".join(f"{name} = NULL" for name in _NULL)},
       updated_at = %(now)s
  FROM unnest(%(people)s::bigint[], %(numbers)s::text[]) AS x(id, number)
 WHERE c.tenant_id = %(tenant)s AND c.id = x.id
""",
    ),
    ("campaigns_contacttag", "DELETE FROM campaigns_contacttag WHERE {theirs}"),
    (
        "campaigns_contactstat",
        "UPDATE campaigns_contactstat SET last_service = '', next_scan_at = NULL, not_open_reason = 'erased' "
        "WHERE {theirs}",
    ),
    (
        "campaigns_job",
        """
UPDATE campaigns_job j
   SET external_id = x.number, service = '', items = '[]', location = '', attributes = '{}'
  FROM unnest(%(jobs)s::bigint[], %(job_numbers)s::text[]) AS x(id, number)
 WHERE j.tenant_id = %(tenant)s AND j.id = x.id
""",
    ),
    (
        "campaigns_dormancyepisode",
        """
WITH closed AS (
    UPDATE campaigns_dormancyepisode SET state = 'closed', closed_at = %(now)s, closed_by = 'erased'
     WHERE {theirs} AND state = 'open'
 RETURNING tenant_id, id, contact_id, cohort_months
)
INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, subject_id, data, occurred_at)
SELECT tenant_id, 'episode.closed', contact_id, 'dormancyepisode', id,
       jsonb_build_object('episode', id, 'cohort', cohort_months, 'by', 'erased'), %(now)s
  FROM closed ORDER BY id
""",
    ),
    (
        "campaigns_household",
        """
UPDATE campaigns_household h SET key = x.made
  FROM unnest(%(keys)s::text[], %(made)s::text[]) AS x(key, made),
       LATERAL (VALUES (x.key), ('digest-' || md5(x.key))) AS either(key)
 WHERE h.tenant_id = %(tenant)s AND h.key = either.key
""",
    ),
    (
        "campaigns_assignment",
        """
UPDATE campaigns_assignment a SET household_key = x.made
  FROM unnest(%(keys)s::text[], %(made)s::text[]) AS x(key, made),
       LATERAL (VALUES (x.key), ('digest-' || md5(x.key))) AS either(key)
 WHERE a.tenant_id = %(tenant)s AND a.household_key = either.key
""",
    ),
    (
        "campaigns_suppression",
        """
UPDATE campaigns_suppression
   SET source = CASE WHEN reason = 'erasure' THEN source ELSE '' END, lifted_by = '', lifted_note = '',
       contact_id = NULL
 WHERE tenant_id = %(tenant)s AND (address_hmac = ANY(%(digests)s) OR contact_id = ANY(%(people)s))
""",
    ),
    (
        "campaigns_importbatch",
        """
UPDATE campaigns_importbatch b SET error = '', file_name = 'a file'
 WHERE b.tenant_id = %(tenant)s
   AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w(word)
                WHERE strpos(lower(b.file_name || ' ' || b.error), w.word) > 0)
""",
    ),
)

# What they said stays with its day; where, in which words and with which evidence does not.
CONSENTS = """
UPDATE campaigns_consent SET source = '', wording = '', evidence = '{}', recorded_by = ''
 WHERE {theirs} AND (source <> '' OR wording <> '' OR evidence <> '{}' OR recorded_by <> '')
"""
_THEIRS = "tenant_id = %(tenant)s AND contact_id = ANY(%(people)s)"


def begin(tenant: Tenant) -> None:
    """Let no import bring anything back while they are being forgotten."""
    with connection.cursor() as cursor:
        import_batches.lock(cursor, tenant)


# Whom they lived with would tell who they were.
LEAVING = """
SELECT c.id, c.household_id FROM campaigns_contact c
 WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(people)s)
   AND EXISTS (SELECT FROM campaigns_contact o
                WHERE o.tenant_id = %(tenant)s AND o.household_id = c.household_id AND o.id <> ALL(%(people)s)
                  AND o.state <> 'erased')
 ORDER BY c.id
"""
MOVE_OUT = """
WITH made AS (
    INSERT INTO campaigns_household (tenant_id, key, created_at)
    SELECT %(tenant)s, 'erased-contact-' || x.id, %(now)s FROM unnest(%(leaving)s::bigint[]) AS x(id) ORDER BY x.id
 RETURNING id, key
), drawn AS (
    UPDATE campaigns_assignment a SET household_key = 'erased-contact-' || a.contact_id
     WHERE a.tenant_id = %(tenant)s AND a.contact_id = ANY(%(leaving)s)
)
UPDATE campaigns_contact c SET household_id = made.id
  FROM made
 WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(leaving)s) AND made.key = 'erased-contact-' || c.id
RETURNING c.id, c.household_id
"""


def move_out(people: People, *, now: datetime) -> list[tuple[int, int, int]]:
    """Give those who live with others a household of their own: contact, household until now, household from now on."""
    values: dict[str, Any] = {"tenant": people.tenant.pk, "people": people.ids, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(LEAVING, values)
        old: dict[int, int] = dict(cursor.fetchall())
        if not old:
            return []
        cursor.execute(MOVE_OUT, values | {"leaving": list(old)})
        return [(contact_id, old[contact_id], new) for contact_id, new in sorted(cursor.fetchall())]


def suppress(people: People, *, now: datetime) -> int:
    """Forbid writing to every address of theirs, over every channel, for every brand; how many are new."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": people.tenant.pk, "now": now}
        values |= {"digests": list(people.digests), "reason": ERASURE}
        cursor.execute(SUPPRESS, values)
        return int(cursor.rowcount)


def forget(people: People, *, now: datetime) -> dict[str, int]:
    """Empty every table of audience; how many rows of each."""
    values = _values(people, now)
    counts = {}
    with connection.cursor() as cursor:
        for table, statement in STATEMENTS:
            counts[table] = _run(cursor, statement, values)
        with append_only_opened(cursor):
            counts["campaigns_consent"] = _run(cursor, CONSENTS, values)
    return counts


def _run(cursor: CursorWrapper, statement: str, values: dict[str, Any]) -> int:
    cursor.execute(statement.replace("{theirs}", _THEIRS), values)
    return int(cursor.rowcount)


def _values(people: People, now: datetime) -> dict[str, Any]:
    numbers = [erased_number("contact", row.external_id or f"#{row.pk}") for row in people.rows]
    jobs: Sequence[tuple[int, str]] = list(
        Job.objects.for_tenant(people.tenant).filter(contact__in=people.ids).values_list("pk", "external_id")
    )
    keys = household_keys(people.rows)
    return {
        "tenant": people.tenant.pk,
        "now": now,
        "people": people.ids,
        "numbers": numbers,
        "jobs": [pk for pk, _ in jobs],
        "job_numbers": [erased_number("job", number) for _, number in jobs],
        "keys": list(keys),
        "made": list(keys.values()),
        "digests": list(people.digests),
        "words": list(people.words),
    }
