"""Conversations by text: what people wrote back, what was answered, and answers on their way."""

from django.db import models
from django.db.models import Q

from campaigns.audience.models import Channel, Contact
from campaigns.planning.models import Message
from tenants.access.models import User
from tenants.accounts.scoping import TenantForeignKey, TenantScoped
from tenants.connections.models import Connection


class Conversation(TenantScoped):
    """What was written back and forth with one number, whether or not it is a contact's.

    It is found by the number's digest, so that a STOP keeps its meaning when the person is forgotten.
    """

    class State(models.TextChoices):
        UNCLEAR = "unclear", "Is it a stop?"
        WAITING = "waiting"
        ANSWERED = "answered"
        DONE = "done"

    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.SMS)
    address_hmac = models.CharField(max_length=64)
    address = models.CharField(max_length=40, blank=True, help_text="Emptied when the person is forgotten.")
    contact = TenantForeignKey(Contact, null=True)
    message = TenantForeignKey(Message, null=True, help_text="What they were written last before they wrote.")
    connection = TenantForeignKey(Connection, null=True, help_text="Through which their last text came.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DONE)
    waiting_since = models.DateTimeField(null=True, help_text="Their first text that nobody has answered.")
    last_at = models.DateTimeField()
    assigned_to = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "channel", "address_hmac"], name="conversation_one_an_address"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-last_at", "-id"], name="conversation_recent"),
            # Whoever waits longest first, the others by when they wrote last: the order of the console's list.
            models.Index(fields=["tenant", "waiting_since", "-last_at", "-id"], name="conversation_waiting"),
            models.Index(fields=["tenant", "contact"], name="conversation_of_contact"),
        ]

    def __str__(self) -> str:
        return str(self.contact) if self.contact_id else self.address or f"conversation {self.pk}"


class ThreadText(TenantScoped):
    """One text of a conversation; one of ours has a life like a message's, shorter by planning and guards.

    It answers what a person wrote or asked for, so it needs no enrolment and counts under no cap; it carries no
    marketing. ``planned → handing_over → handed_over | failed | unknown``, or ``expired`` when it would come too late.
    """

    class Kind(models.TextChoices):
        RECEIVED = "received"
        REPLY = "reply"
        STOP_CONFIRMATION = "stop_confirmation"
        START_CONFIRMATION = "start_confirmation"
        HELP = "help"

    class State(models.TextChoices):
        RECEIVED = "received"
        PLANNED = "planned"
        HANDING_OVER = "handing_over"
        HANDED_OVER = "handed_over"
        DELIVERED = "delivered"
        FAILED = "failed"
        BLOCKED = "blocked"
        EXPIRED = "expired"
        UNKNOWN = "unknown"

    conversation = TenantForeignKey(Conversation, related_name="texts")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    meaning = models.CharField(max_length=20, blank=True, help_text="Of a received one: how it was understood.")
    key = models.CharField(max_length=160, help_text="The same text twice has the same key.")
    body = models.TextField(help_text="Personal data: emptied when the person is forgotten.")
    at = models.DateTimeField(help_text="When it was written.")
    by = models.CharField(max_length=200, blank=True, help_text="Who of the business wrote it.")
    state = models.CharField(max_length=12, choices=State.choices)
    reason = models.CharField(max_length=60, blank=True)
    due_at = models.DateTimeField(null=True)
    send_before = models.DateTimeField(null=True, help_text="From here on it would come too late.")
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    connection = TenantForeignKey(Connection, null=True)
    provider_id = models.CharField(max_length=200, blank=True)
    segments = models.PositiveSmallIntegerField(null=True)
    cost_minor = models.BigIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    handed_over_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="thread_text_once")]
        indexes = [
            models.Index(fields=["tenant", "conversation", "-at", "-id"], name="thread_text_of_conversation"),
            models.Index(
                fields=["tenant", "due_at", "id"],
                name="thread_text_on_its_way",
                condition=Q(state__in=["planned", "handing_over"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
