"""Tags: those that winback manages (``winback:…``, put and taken in sets) and those of operators (one at a time).

Neither side touches the other's: a managed name is refused from an operator, any other name is refused here in sets.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.audience import stats
from campaigns.audience.models import Contact, ContactStat, ContactTag
from tenants.journal.recording import record

MANAGED = "winback:"
RESTRICTED = "winback:restricted"
"""On a contact whose processing is restricted: whatever the settings say, it is neither scanned nor written to."""

SET = """
WITH added AS (
    INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at)
    SELECT %(tenant)s, c.id, %(name)s, %(source)s, %(now)s
      FROM campaigns_contact c
     WHERE c.tenant_id = %(tenant)s AND c.id = ANY(%(contacts)s)
     ORDER BY c.id
    ON CONFLICT (tenant_id, contact_id, name) DO NOTHING
    RETURNING contact_id
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, data, occurred_at)
    SELECT %(tenant)s, 'contact.tagged', contact_id, '',
           jsonb_build_object('tag', %(name)s::text, 'source', %(source)s::text), %(now)s
      FROM added ORDER BY contact_id
)
SELECT count(*) FROM added
"""

CLEAR = """
WITH gone AS (
    DELETE FROM campaigns_contacttag t
     WHERE t.tenant_id = %(tenant)s AND t.contact_id = ANY(%(contacts)s) AND t.name = ANY(%(names)s)
    RETURNING contact_id, name
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, subject_kind, data, occurred_at)
    SELECT %(tenant)s, 'contact.untagged', contact_id, '', jsonb_build_object('tag', name), %(now)s
      FROM gone WHERE %(now)s::timestamptz IS NOT NULL ORDER BY contact_id, name
)
SELECT count(*) FROM gone
"""

# Which cohort's tag each contact should bear (null: none), over any number of tenants; filled by the scan.
COHORTS = """
CREATE TEMPORARY TABLE IF NOT EXISTS cohort_tag (tenant_id bigint, contact_id bigint, name text) ON COMMIT DROP;
TRUNCATE cohort_tag
"""
# One contact at a time (OFFSET 0 keeps it so): the table of all tags is not read as a whole.
CLEAR_COHORTS = """
DELETE FROM campaigns_contacttag
 WHERE id = ANY(ARRAY(
       SELECT g.id
         FROM cohort_tag w,
              LATERAL (SELECT id FROM campaigns_contacttag
                        WHERE tenant_id = w.tenant_id AND contact_id = w.contact_id AND name LIKE 'winback:%%m'
                          AND name ~ '^winback:[0-9]+m$' AND name IS DISTINCT FROM w.name
                       OFFSET 0) g))
"""
SET_COHORTS = """
INSERT INTO campaigns_contacttag (tenant_id, contact_id, name, source, added_at)
SELECT tenant_id, contact_id, name, 'scan', %(now)s
  FROM cohort_tag WHERE name IS NOT NULL
 ORDER BY tenant_id, contact_id
ON CONFLICT (tenant_id, contact_id, name) DO NOTHING
"""


class ManagedTag(ValueError):
    """A tag that winback puts and takes itself, asked of an operator: choose another name."""


class NotManaged(ValueError):
    """An operator's tag, asked of winback itself: sets of tags are ``winback:…`` alone."""


class NoTag(ValueError):
    """A tag needs a name of at most 80 characters."""


def cohort_tag(months: int) -> str:
    """The tag of a contact whose open lapse has come to this cohort."""
    return f"{MANAGED}{months}m"


def set_managed(tenant_id: int, name: str, contact_ids: Sequence[int], *, now: datetime, source: str) -> int:
    """Put a managed tag on these contacts; returns how many did not have it. Inside an open scope."""
    _require_managed(name)
    if not contact_ids:
        return 0
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "name": name,
        "contacts": list(contact_ids),
        "now": now,
        "source": source,
    }
    with connection.cursor() as cursor:
        cursor.execute(SET, values)
        return int(cursor.fetchone()[0])


def clear_managed(
    tenant_id: int, contact_ids: Sequence[int], names: Sequence[str], *, now: datetime | None = None
) -> int:
    """Take managed tags off these contacts; returns how many there were. Journalled when ``now`` is given."""
    _require_managed(*names)
    if not contact_ids or not names:
        return 0
    values: dict[str, Any] = {"tenant": tenant_id, "contacts": list(contact_ids), "names": list(names), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(CLEAR, values)
        return int(cursor.fetchone()[0])


def follow_cohorts(cursor: CursorWrapper, *, now: datetime) -> None:
    """Make the cohort tags of the contacts in the temporary table ``cohort_tag`` those that stand there.

    The journal has the episode's own events, so the tags get none.
    """
    cursor.execute("ANALYZE cohort_tag")
    cursor.execute(CLEAR_COHORTS, {})
    cursor.execute(SET_COHORTS, {"now": now})


def tag_contact(contact: Contact, name: str, *, now: datetime, source: str, expires_at: datetime | None = None) -> bool:
    """Put an operator's tag on a contact; says whether it was not there. The next scan looks at the contact.

    A tag that is there keeps its source and gets the new time at which it expires.
    """
    name = _operators(name)
    tag, made = ContactTag.objects.for_tenant(contact.tenant_id).get_or_create(
        tenant_id=contact.tenant_id,
        contact=contact,
        name=name,
        defaults={"source": source, "added_at": now, "expires_at": expires_at},
    )
    if not made and tag.expires_at != expires_at:
        ContactTag.objects.for_tenant(contact.tenant_id).filter(pk=tag.pk).update(expires_at=expires_at)
    _changed(contact, "contact.tagged", name, source, now=now)
    return bool(made)


def untag_contact(contact: Contact, name: str, *, now: datetime, source: str) -> bool:
    """Take an operator's tag off a contact; says whether it was there. The next scan looks at the contact."""
    name = _operators(name)
    tags = ContactTag.objects.for_tenant(contact.tenant_id).filter(contact=contact, name=name)
    gone, _ = tags.delete()
    if gone:
        _changed(contact, "contact.untagged", name, source, now=now)
    return bool(gone)


def _changed(contact: Contact, kind: str, name: str, source: str, *, now: datetime) -> None:
    ContactStat.objects.for_tenant(contact.tenant_id).filter(contact=contact).update(next_scan_at=stats.DIRTY)
    record(
        kind,
        tenant_id=contact.tenant_id,
        now=now,
        contact_id=contact.pk,
        data={"tag": name, "source": source},
    )


def _operators(name: str) -> str:
    """The name as tags are kept: trimmed and lower case."""
    name = name.strip().lower()
    if not name or len(name) > 80:
        raise NoTag("A tag needs a name of at most 80 characters.")
    if name.startswith(MANAGED):
        raise ManagedTag(f"Tags that begin with “{MANAGED}” are winback's own: choose another name.")
    return name


def _require_managed(*names: str) -> None:
    for name in names:
        if not name.startswith(MANAGED):
            raise NotManaged(f"{name!r} is an operator's tag: sets of tags are “{MANAGED}…” alone.")
