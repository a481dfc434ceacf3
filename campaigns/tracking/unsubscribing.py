"""A person says no: by the link in an e-mail or text, acting at once and for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.audience.consent import latest_decision, record_consent
from campaigns.audience.models import Channel, Consent, Contact, Suppression
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
    def people(self) -> list[Contact]:
        """The contact, and whom it was merged into: whoever was found to be the same person says no for both."""
        found = [self.contact, self.contact.merged_into] if self.contact is not None else []
        return [each for each in found if each is not None]

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
    # The address that the message went to may be nobody's by now: a file that brings it back must not bring the
    # messages back.
    people = recipient.people
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


def may_be_followed(recipient: Recipient, *, now: datetime) -> bool:
    """Whether this person has not yet said that nobody may count what they open and press."""
    return recipient.is_known and any(_has_not_refused(person, now) for person in recipient.people)


def follow_no_more(recipient: Recipient, *, now: datetime, source: str) -> bool:
    """Count no more what this person opens and presses, in whatever message; returns whether that is new.

    Messages go on. It needs the secret link alone: no login, no question.
    """
    told = [person for person in recipient.people if _has_not_refused(person, now)]
    if not recipient.is_known or recipient.message is None:
        return False
    for person in told:
        record_consent(
            person, Channel.EMAIL, Consent.State.WITHDRAWN, purpose=Consent.TRACKING, stated_at=now, source=source,
            evidence={"message": recipient.message.pk}, now=now, actor="person",
        )  # fmt: skip
    return bool(told)


def _has_not_refused(person: Contact, now: datetime) -> bool:
    latest = latest_decision(person, Channel.EMAIL, Consent.TRACKING, now=now)
    return latest is None or latest.state != Consent.State.WITHDRAWN
