"""Where a tenant is told what happens, and each thing that it is told."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class WebhookEndpoint(TenantScoped):
    """An address of a tenant's own that is called when something happens (Standard Webhooks)."""

    class State(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"

    url = models.CharField(max_length=500)
    description = models.CharField(max_length=200, blank=True)
    kinds = ArrayField(models.CharField(max_length=60), default=list, help_text="What it is told of.")
    personal = models.BooleanField(default=False, help_text="Names, e-mail addresses and phone numbers go along, too.")
    secrets = models.BinaryField(default=b"", editable=False, help_text="Encrypted: the newest, and those it replaces.")
    secret_made_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    disabled_reason = models.CharField(max_length=20, blank=True, help_text="By a person, gone (410), or failing.")
    disabled_at = models.DateTimeField(null=True)
    begins_after = models.BigIntegerField(default=0, help_text="The last event of the journal that it is not told of.")
    failing_since = models.DateTimeField(null=True, help_text="Since when nothing arrived that was tried.")
    rests_until = models.DateTimeField(null=True, help_text="Until when nothing is tried: it asked for that.")
    last_arrived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["tenant", "state"], name="webhook_endpoint_state")]

    def __str__(self) -> str:
        return self.description or self.url.partition("://")[2].partition("/")[0]


class WebhookDelivery(TenantScoped):
    """One event for one endpoint: waiting to be sent, arrived, or given up until somebody sends it again."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ARRIVED = "arrived"
        GIVEN_UP = "given_up", "Given up"

    endpoint = TenantForeignKey(WebhookEndpoint, related_name="deliveries")
    event_id = models.BigIntegerField(null=True, help_text="In the journal; null: a test.")
    kind = models.CharField(max_length=60)
    contact_id = models.BigIntegerField(null=True)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict, help_text="As the journal has it: ids, never personal data.")
    occurred_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="What it answered the last time.")
    excerpt = models.CharField(max_length=500, blank=True, help_text="The beginning of its answer.")
    error = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "endpoint", "event_id"], name="webhook_delivery_once"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "endpoint", "next_try_at"],
                name="webhook_delivery_waiting",
                condition=Q(state="waiting"),
            ),
            models.Index(fields=["tenant", "endpoint", "-created_at"], name="webhook_delivery_recent"),
            models.Index(fields=["tenant", "settled_at"], name="webhook_delivery_settled"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint}"
