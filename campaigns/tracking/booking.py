"""The booking page's deeds: what it can prefill, and what happens when somebody asks for a visit."""

from dataclasses import dataclass
from datetime import date, datetime

from campaigns.audience.models import Channel, Contact, Job
from campaigns.delivery.links import Link
from campaigns.delivery.tidying import service_named
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment, Message, Offer
from campaigns.tracking.models import BookingRequest, Interaction
from tenants.accounts.models import Brand, Tenant
from tenants.journal.recording import record


@dataclass(frozen=True)
class Invitation:
    """What a booking link opens: whose page, and what is known of the visitor."""

    tenant: Tenant
    brand: Brand
    contact: Contact
    message: Message
    last_service: str
    """What the form begins with; empty where a treatment must not be read by whoever looks over the shoulder."""

    def offer(self, today: date) -> Offer | None:
        """The offer that this message made, unless it has ended."""
        offer: Offer | None = self.message.offer
        return offer if offer is not None and (offer.expires_on is None or offer.expires_on >= today) else None

    def elsewhere(self, today: date) -> str:
        """The brand's own booking site, where this visit is booked at once; empty when this page has something to say.

        A text has no room for the terms of its offer: they are read here.
        """
        terms_here = self.message.channel == Channel.SMS and self.offer(today) is not None
        return "" if terms_here else self.brand.booking_url


def invitation_of(link: Link, *, now: datetime) -> Invitation | None:
    """The page of a booking link; None when the message or the person is gone."""
    message = (
        Message.objects.for_tenant(link.tenant_id)
        .select_related("contact__merged_into", "campaign__brand", "tenant__niche", "offer", "enrolment")
        .filter(pk=link.message_id)
        .first()
    )
    if message is None:
        return None
    contact: Contact = message.contact.merged_into or message.contact
    if contact.state != Contact.State.ACTIVE:
        return None
    sensitive = bool(message.tenant.niche.content.get("sensitive"))
    return Invitation(
        tenant=message.tenant,
        brand=message.campaign.brand,
        contact=contact,
        message=message,
        last_service="" if sensitive else _last_service(contact, on=now.astimezone(message.tenant.zone).date()),
    )


def _last_service(contact: Contact, *, on: date) -> str:
    last = (
        Job.objects.for_tenant(contact.tenant_id)
        .filter(contact=contact, status=Job.Status.COMPLETED)
        .exclude(service="")
        .order_by("-completed_at", "-id")
        .values_list("service", flat=True)
        .first()
    )
    return service_named(last or "", 60, on=on)


def note_click(invitation: Invitation, *, now: datetime) -> None:
    """Keep that the link was opened, once a message; a scanner opens links too, so nothing is decided by it."""
    Interaction.objects.get_or_create(
        tenant=invitation.tenant,
        kind=Interaction.Kind.CLICKED,
        dedupe_key=f"book-{invitation.message.pk}",
        defaults={"contact": invitation.contact, "message": invitation.message, "occurred_at": now},
    )


@dataclass(frozen=True)
class Wish:
    """What the visitor asked for. Phone and e-mail are empty when those on record still hold."""

    service: str
    preferred_on: date | None
    preferred_time: str
    name: str
    phone: str
    email: str
    note: str


def request_booking(invitation: Invitation, wish: Wish, *, now: datetime) -> BookingRequest | None:
    """Keep the request, end the enrolment and cancel what is planned, in one transaction.

    None when the person was erased while the page stood open.
    The same wish sent twice (a double click, a reload) is one request. The job that follows closes the episode.
    """
    contact = invitation.contact
    # Two clicks at once come one after the other from here on.
    locked = Contact.objects.for_tenant(invitation.tenant).select_for_update(no_key=True).get(pk=contact.pk)
    if locked.state != Contact.State.ACTIVE:
        return None
    request, made = BookingRequest.objects.get_or_create(
        tenant=invitation.tenant,
        contact=invitation.contact,
        message=invitation.message,
        service=wish.service,
        preferred_on=wish.preferred_on,
        preferred_time=wish.preferred_time,
        note=wish.note,
        defaults={
            "enrolment": invitation.message.enrolment,
            "name": wish.name,
            "phone": wish.phone or contact.phone,
            "email": wish.email or contact.email,
            "created_at": now,
        },
    )
    written_to = {contact.pk, invitation.message.contact_id}
    end_enrolments(invitation.tenant.pk, contact_ids=sorted(written_to), ended_by=Enrolment.EndedBy.BOOKING, now=now)
    if made:
        Interaction.objects.get_or_create(
            tenant=invitation.tenant,
            kind=Interaction.Kind.BOOKED,
            dedupe_key=f"request-{request.pk}",
            defaults={"contact": invitation.contact, "message": invitation.message, "occurred_at": now},
        )
        record(
            "contact.booked",
            tenant_id=invitation.tenant.pk,
            now=now,
            contact_id=invitation.contact.pk,
            subject=request,
        )
    return request
