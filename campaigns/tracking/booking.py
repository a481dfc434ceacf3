"""The booking page's deeds: what it can prefill, and what happens when somebody asks for a visit."""

from dataclasses import dataclass
from datetime import date, datetime

from campaigns.audience.models import Contact, Job
from campaigns.delivery.links import Link
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Enrolment, Message
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
    services: list[str]

    @property
    def last_service(self) -> str:
        return self.services[0] if self.services else ""


def invitation_of(link: Link) -> Invitation | None:
    """The page of a booking link; None when the message or the person is gone."""
    message = (
        Message.objects.for_tenant(link.tenant_id)
        .select_related("contact", "campaign__brand", "tenant")
        .filter(pk=link.message_id)
        .first()
    )
    if message is None or message.contact.state != Contact.State.ACTIVE:
        return None
    recent = (
        Job.objects.for_tenant(link.tenant_id)
        .filter(contact=message.contact, status=Job.Status.COMPLETED)
        .exclude(service="")
        .order_by("-completed_at", "-id")
        .values_list("service", flat=True)[:20]
    )
    return Invitation(
        tenant=message.tenant,
        brand=message.campaign.brand,
        contact=message.contact,
        message=message,
        services=list(dict.fromkeys(recent)),
    )


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
    """What the visitor asked for."""

    service: str
    preferred_on: date | None
    preferred_time: str
    name: str
    phone: str
    email: str
    note: str


def request_booking(invitation: Invitation, wish: Wish, *, now: datetime) -> BookingRequest:
    """Keep the request, end the enrolment and cancel what is planned, in one transaction.

    The same wish sent twice (a double click, a reload) is one request. The job that follows closes the episode.
    """
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
            "phone": wish.phone,
            "email": wish.email,
            "created_at": now,
        },
    )
    end_enrolments(
        invitation.tenant.pk, contact_ids=[invitation.contact.pk], ended_by=Enrolment.EndedBy.BOOKING, now=now
    )
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
