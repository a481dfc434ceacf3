"""Answering a booking request: confirmed or declined, once, by somebody. The business tells the customer itself."""

from datetime import datetime

from campaigns.tracking.models import BookingRequest
from tenants.journal import audit
from tenants.journal.recording import record


def answer(booking: BookingRequest, state: str, *, now: datetime, actor: str) -> bool:
    """Confirm or decline; False when it was answered already."""
    rows = BookingRequest.objects.for_tenant(booking.tenant_id).filter(
        pk=booking.pk, state=BookingRequest.State.REQUESTED
    )
    answered = bool(rows.update(state=state))
    booking.refresh_from_db()
    if answered:
        kind = f"booking.{state}"
        record(kind, tenant_id=booking.tenant_id, now=now, contact_id=booking.contact_id, subject=booking)
        audit.append(booking.tenant_id, actor=actor, action=kind, now=now, subject=booking)
    return answered
