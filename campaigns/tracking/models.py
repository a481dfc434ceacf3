"""What comes back: interactions, and bookings asked for on our page."""

from django.db import models

from campaigns.audience.models import Contact
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class Interaction(TenantScoped):
    """Something that came back: delivered, bounced, complained, clicked, replied, unsubscribed, booked."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered"
        BOUNCED = "bounced"
        COMPLAINED = "complained"
        CLICKED = "clicked"
        REPLIED = "replied"
        UNSUBSCRIBED = "unsubscribed"
        BOOKED = "booked"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    contact = TenantForeignKey(Contact, null=True, related_name="interactions")
    message = TenantForeignKey(Message, null=True)
    dedupe_key = models.CharField(max_length=120, help_text="The same event twice has the same key.")
    occurred_at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "dedupe_key"], name="interaction_once")]
        indexes = [models.Index(fields=["tenant", "contact", "-occurred_at"], name="interaction_of_contact")]

    def __str__(self) -> str:
        return self.kind


class BookingRequest(TenantScoped):
    """A visit asked for on our booking page, waiting for the business to answer."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        CONFIRMED = "confirmed"
        DECLINED = "declined"

    contact = TenantForeignKey(Contact, related_name="booking_requests")
    enrolment = TenantForeignKey(Enrolment, null=True)
    message = TenantForeignKey(Message, null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    service = models.CharField(max_length=200, blank=True)
    preferred_on = models.DateField(null=True)
    preferred_time = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.CharField(max_length=254, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="booking_request_recent")]

    def __str__(self) -> str:
        return f"booking request {self.pk}"
