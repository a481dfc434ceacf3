"""What comes back: providers' reports as they arrived, interactions, and bookings asked for on our page."""

from django.db import models
from django.db.models import Q

from campaigns.audience.models import Contact
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.scoping import TenantForeignKey, TenantScoped, TenantScopedByItsKeys
from tenants.connections.models import Connection


class InboxItem(TenantScopedByItsKeys):
    """One request of a provider at its webhook, as it came, until what it reports is applied."""

    class State(models.TextChoices):
        WAITING = "waiting"
        APPLIED = "applied"
        IGNORED = "ignored"
        UNREADABLE = "unreadable"

    connection = TenantForeignKey(Connection)
    digest = models.CharField(max_length=64, help_text="SHA-256 of query and body: an identical repeat is kept once.")
    method = models.CharField(max_length=8, default="POST")
    query = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(default=b"", help_text="Emptied some days after it was applied.")
    urgent = models.BooleanField(default=False, help_text="It may hold an opt-out, complaint or bounce: read first.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=60, blank=True, help_text="The code of why it was ignored or waits still.")
    detail = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    applied = models.PositiveIntegerField(default=0, help_text="How many of its reports are applied.")
    ignored = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "connection", "digest"], name="inbox_item_once")]
        indexes = [
            # In the order in which it is read.
            models.Index(
                fields=["tenant", "-urgent", "id"],
                include=["next_try_at"],
                name="inbox_item_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["tenant", "-received_at"], name="inbox_item_recent"),
        ]

    def __str__(self) -> str:
        return f"report {self.pk}"


class Interaction(TenantScopedByItsKeys):
    """Something that came back: delivered, bounced, complained, opened, clicked, replied, unsubscribed, booked."""

    class Kind(models.TextChoices):
        DELIVERED = "delivered"
        BOUNCED = "bounced"
        FAILED = "failed"
        COMPLAINED = "complained"
        OPENED = "opened"
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
        indexes = [
            models.Index(fields=["tenant", "contact", "-occurred_at"], name="interaction_of_contact"),
            models.Index(
                fields=["tenant", "message"], name="interaction_of_message", condition=Q(message__isnull=False)
            ),
        ]

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
