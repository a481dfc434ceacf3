"""A person says no: by the link in an e-mail or text, acting at once and for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.audience.models import Channel, Contact, Suppression
from campaigns.audience.suppressing import suppress
from campaigns.delivery.links import Link
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking.models import Interaction
from tenants.accounts.models import Brand
from tenants.journal.recording import record


@dataclass(frozen=True)
class Recipient:
    """Whom an unsubscribe link is about; contact and brand are None when they have since been erased."""

    tenant_id: int
    message: Message | None
    contact: Contact | None
    brand: Brand | None

    @property
    def is_known(self) -> bool:
        """Whether there is still somebody to stop writing to."""
        return self.contact is not None and self.contact.state != Contact.State.ERASED


def recipient_of(link: Link) -> Recipient:
    """The person and brand of a link. A valid link of an erased person still answers, with nobody left to name."""
    message = (
        Message.objects.for_tenant(link.tenant_id)
        .select_related("contact__merged_into", "campaign__brand")
        .filter(pk=link.message_id)
        .first()
    )
    if message is None:
        return Recipient(link.tenant_id, None, None, None)
    return Recipient(link.tenant_id, message, message.contact, message.campaign.brand)


def unsubscribe(recipient: Recipient, *, everything: bool, now: datetime, source: str) -> bool:
    """Stop writing to this person; returns whether anything changed (a repeat changes nothing and is no error).

    ``everything`` is every channel and brand of the business; else the marketing e-mail of the brand that wrote (an
    opt-out from a text's link stops the business's texts: compliance.md A9).
    """
    contact, message = recipient.contact, recipient.message
    if contact is None or message is None:
        return False
    channel: str = Suppression.ALL_CHANNELS if everything else message.channel
    by_email = channel == Channel.EMAIL
    # Whoever was found to be the same person since then has said no, too; and so has the address that the message went
    # to, which may be nobody's by now: a file that brings it back must not bring the messages back.
    people = [contact] if contact.merged_into is None else [contact, contact.merged_into]
    told: dict[str, Any] = {
        "channel": channel,
        "reason": "unsubscribed",
        "source": source,
        "now": now,
        "brand": recipient.brand if by_email else None,
    }
    changed = False
    if message.address_hmac:
        changed = suppress(contact.tenant, contact=contact, address_hmac=message.address_hmac, **told)
    for person in people:
        changed |= suppress(person.tenant, contact=person, **told)
    end_enrolments(
        contact.tenant_id, contact_ids=[person.pk for person in people], ended_by=Enrolment.EndedBy.OPT_OUT, now=now
    )
    if changed:
        Interaction.objects.get_or_create(
            tenant_id=contact.tenant_id,
            kind=Interaction.Kind.UNSUBSCRIBED,
            dedupe_key=f"{channel}-{message.pk}",
            defaults={"contact": contact, "message": message, "occurred_at": now, "data": {"source": source}},
        )
        record(
            "contact.unsubscribed",
            tenant_id=contact.tenant_id,
            now=now,
            contact_id=contact.pk,
            subject=message,
            data={"channel": channel, "source": source},
        )
    return changed
