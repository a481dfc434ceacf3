"""Which provider a tenant uses for which capability, its encrypted credentials, and dated evidence that it answers."""

from django.db import models

from tenants.accounts.models import Brand
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class Connection(TenantScoped):
    """One provider account of a tenant, for one kind of thing (email, sms, …)."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        DISABLED = "disabled"

    kind = models.CharField(max_length=20)
    provider = models.CharField(max_length=40)
    label = models.CharField(max_length=120)
    brand = TenantForeignKey(Brand, null=True, blank=True)
    credentials = models.BinaryField(default=b"", editable=False)
    settings = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    paused_reason = models.CharField(max_length=300, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    priority = models.PositiveSmallIntegerField(default=10, help_text="The lowest active one is used.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind", "label"], name="connection_label")]

    def __str__(self) -> str:
        return f"{self.label} ({self.provider})"


class CapabilityEvidence(TenantScoped):
    """What a probe found about one capability, and when; stale evidence counts as missing."""

    class State(models.TextChoices):
        READY = "ready"
        DEGRADED = "degraded"
        MISSING = "missing"

    capability = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=State.choices)
    code = models.CharField(max_length=80, blank=True, help_text="Why it is not ready.")
    detail = models.CharField(max_length=300, blank=True)
    facts = models.JSONField(default=dict)
    connection = TenantForeignKey(Connection, null=True, blank=True)
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "capability"], name="capability_evidence_latest")]

    def __str__(self) -> str:
        return f"{self.capability}: {self.state}"


class DataEvidence(TenantScoped):
    """That contacts or jobs arrived: written by each import, read by the crm probe."""

    kind = models.CharField(max_length=20)
    rows = models.BigIntegerField()
    newest_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="data_evidence_latest")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.rows}"
