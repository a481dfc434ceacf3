"""Why an address may not be written to: added by anybody, lifted only by the person's own act or a reasoned note."""

from collections.abc import Collection
from datetime import datetime

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
