"""Why an address may not be written to: added by anybody, lifted only by the person's own act or a reasoned note."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.audience.models import Channel, Contact, Suppression
from tenants.accounts.models import Brand, Tenant
from tenants.journal.recording import record

HELD = "reply_unclear"
"""The reason of a suppression that only waits until a person has decided: any other takes its place."""


class NotLifted(ValueError):
    """A suppression is lifted only with a note that says why."""


def suppress(
    tenant: Tenant,
    *,
    channel: str,
    contact: Contact | None = None,
    address_hmac: str = "",
    reason: str,
    source: str,
    now: datetime,
    brand: Brand | None = None,
) -> bool:
    """Stop writing to a contact (or an address) over a channel; returns whether anything new was kept.

    ``channel`` ``all`` covers every channel, and every address that the contact has.
    """
    digests = {address_hmac} if address_hmac else _digests(contact, channel)
    changed = False
    given = {
        "reason": reason,
        "source": source[:200],
        "contact_id": contact.pk if contact is not None else None,
        "occurred_at": now,
    }
    for digest in sorted(digests):
        row, made = Suppression.objects.get_or_create(
            tenant=tenant,
            channel=channel,
            address_hmac=digest,
            brand=brand,
            lifted_at=None,
            defaults=given,
        )
        if row.reason == HELD != reason:
            made = bool(Suppression.objects.for_tenant(tenant).filter(pk=row.pk, reason=HELD).update(**given))
        changed = changed or made
    if changed:
        record(
            "contact.suppressed",
            tenant_id=tenant.pk,
            now=now,
            contact_id=contact.pk if contact is not None else None,
            data={"channel": channel, "reason": reason},
        )
    return changed


@dataclass(frozen=True)
class Refused:
    """A recipient whom a provider will not take messages for, and the address that was written to."""

    contact_id: int
    address_hmac: str
    reason: str
    by_person: bool


# A dead address is that address; whoever said no says it for the one on record as well, and for whom they were merged
# into. What is suppressed already keeps its reason, unless it was only held.
SUPPRESS_REFUSED = """
WITH refused AS (
    SELECT * FROM unnest(%(contacts)s::bigint[], %(digests)s::text[], %(reasons)s::text[], %(by_person)s::boolean[])
        AS r(contact_id, digest, reason, by_person)
), addressed AS (
    SELECT contact_id, digest, reason FROM refused
     UNION
    SELECT r.contact_id, CASE %(channel)s WHEN 'sms' THEN k.phone_hmac ELSE k.email_hmac END, r.reason
      FROM refused r
      JOIN campaigns_contact o ON o.tenant_id = %(tenant)s AND o.id = r.contact_id
      JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id IN (o.id, o.merged_into_id)
     WHERE r.by_person
), made AS (
    INSERT INTO campaigns_suppression AS x
           (tenant_id, channel, address_hmac, brand_id, reason, source, contact_id, occurred_at, lifted_by, lifted_note)
    SELECT DISTINCT ON (digest) %(tenant)s, %(channel)s, digest, NULL::bigint, reason, %(source)s, contact_id, %(now)s,
           '', ''
      FROM addressed WHERE digest <> '' ORDER BY digest, contact_id, reason
        ON CONFLICT (tenant_id, address_hmac, channel, brand_id) WHERE lifted_at IS NULL DO UPDATE
           SET reason = excluded.reason, source = excluded.source, contact_id = excluded.contact_id,
               occurred_at = excluded.occurred_at
         WHERE x.reason = %(held)s
 RETURNING contact_id, reason
), noted AS (
    INSERT INTO tenants_event (tenant_id, kind, contact_id, data, occurred_at, subject_kind)
    SELECT %(tenant)s, 'contact.suppressed', contact_id, jsonb_build_object('channel', %(channel)s, 'reason', reason),
           %(now)s, ''
      FROM made
)
SELECT count(*) FROM made
"""


def suppress_refused(tenant: Tenant, refused: Sequence[Refused], *, channel: str, source: str, now: datetime) -> int:
    """Stop writing, in one statement, to the addresses that a provider refused; returns how many are new."""
    if not refused:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            SUPPRESS_REFUSED,
            {
                "tenant": tenant.pk,
                "channel": channel,
                "contacts": [each.contact_id for each in refused],
                "digests": [each.address_hmac for each in refused],
                "reasons": [each.reason for each in refused],
                "by_person": [each.by_person for each in refused],
                "source": source[:200],
                "held": HELD,
                "now": now,
            },
        )
        return int(cursor.fetchone()[0])


def _digests(contact: Contact | None, channel: str) -> set[str]:
    if contact is None:
        return set()
    by_email = {contact.email_hmac} if channel != Channel.SMS and contact.email_hmac else set()
    by_phone = {contact.phone_hmac} if channel != Channel.EMAIL and contact.phone_hmac else set()
    return by_email | by_phone


def lift(suppression: Suppression, *, note: str, actor: str, now: datetime) -> bool:
    """Allow an address again; the row stays with who did it and why. Raises NotLifted without a reason."""
    if len(note.strip()) < 10:
        raise NotLifted("Say why this suppression is lifted (the person asked for it, a wrong address …).")
    lifted = Suppression.objects.filter(pk=suppression.pk, lifted_at=None).update(
        lifted_at=now, lifted_by=actor, lifted_note=note.strip()
    )
    if lifted:
        record(
            "contact.suppression_lifted",
            tenant_id=suppression.tenant_id,
            now=now,
            contact_id=suppression.contact_id,
            subject=suppression,
            data={"by": actor},
        )
    return bool(lifted)


def release(tenant: Tenant, digests: Collection[str], *, note: str, actor: str, now: datetime) -> int:
    """Lift what was only held until a person had decided; what was suppressed for another reason stays."""
    rows = Suppression.objects.for_tenant(tenant).filter(address_hmac__in=digests, reason=HELD, lifted_at=None)
    return sum(lift(row, note=note, actor=actor, now=now) for row in rows.order_by("pk"))
