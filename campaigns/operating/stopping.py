"""Stop writing to people: suppressed over a channel, and out of every sequence when it was the last one."""

from collections.abc import Sequence
from datetime import datetime

from campaigns.audience.models import Contact, Suppression
from campaigns.audience.suppressing import lift, suppress
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment
from tenants.accounts.models import Tenant
from tenants.journal import audit


def stop_writing(
    tenant: Tenant, contacts: Sequence[Contact], *, channel: str, reason: str, now: datetime, actor: str
) -> int:
    """Suppress each contact's addresses; returns for how many anything new was kept. Inside an open scope.

    Over all channels it ends their enrolments too. Over one, the guards stop what is planned for it and let the steps
    fall back to the other.
    """
    stopped = [
        contact.pk
        for contact in contacts
        if suppress(tenant, channel=channel, contact=contact, reason=reason, source=actor, now=now)
    ]
    if channel == Suppression.ALL_CHANNELS:
        end_enrolments(
            tenant.pk, contact_ids=[contact.pk for contact in contacts], ended_by=Enrolment.EndedBy.STAFF, now=now
        )
    only = contacts[0] if len(contacts) == 1 else None
    data = {"channel": channel, "reason": reason, "contacts": [contact.pk for contact in contacts]}
    audit.append(tenant.pk, actor=actor, action="contact.suppressed", now=now, subject=only, data=data)
    return len(stopped)


def allow_again(tenant: Tenant, contact: Contact, *, channel: str, note: str, now: datetime, actor: str) -> int:
    """Lift what is in force for each address of a contact, over one channel or all; returns how many rows were lifted.

    Raises NotLifted without a reason. Ended enrolments stay ended, and the operator's own list is not touched.
    """
    rows = Suppression.objects.for_tenant(tenant).filter(
        address_hmac__in=[each for each in (contact.email_hmac, contact.phone_hmac) if each], lifted_at=None
    )
    if channel != Suppression.ALL_CHANNELS:
        rows = rows.filter(channel=channel)
    lifted = [row.pk for row in rows.order_by("pk") if lift(row, note=note, actor=actor, now=now)]
    if lifted:
        # The note stands on the suppressions: the audit, which nothing can be taken out of, holds numbers alone.
        data = {"channel": channel, "suppressions": lifted}
        audit.append(tenant.pk, actor=actor, action="suppression.lifted", now=now, subject=contact, data=data)
    return len(lifted)
