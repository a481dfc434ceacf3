"""Which provider a tenant uses for which capability, its encrypted credentials, and dated evidence that it answers."""

from django.db import models

from tenants.accounts.models import Brand
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class Connection(TenantScoped):
    """One provider account of a tenant, for one kind of thing (email, sms, …)."""

    class State(models.TextChoices):
        """``TRYING``: it answers again after trouble, and a few messages go first (breaker.py)."""

        ACTIVE = "active"
        TRYING = "trying"
        PAUSED = "paused"
        DISABLED = "disabled"

    IN_USE = (State.ACTIVE, State.TRYING)

    kind = models.CharField(max_length=20)
    provider = models.CharField(max_length=40)
    label = models.CharField(max_length=120)
    brand = TenantForeignKey(Brand, null=True, blank=True)
    credentials = models.BinaryField(default=b"", editable=False)
    settings = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    paused_reason = models.CharField(max_length=300, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="How often it was in trouble in a row.")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="When a paused one is asked again.")
    trial_left = models.PositiveSmallIntegerField(default=0, help_text="How many may go first, once it answers again.")
    trial_until = models.DateTimeField(null=True, blank=True, help_text="When a trial that nobody ended begins anew.")
    pending = models.BinaryField(default=b"", editable=False, help_text="Credentials and settings to be tried.")
    pending_problem = models.CharField(
        max_length=300, blank=True, help_text="Why they did not take the old one's place."
    )
    priority = models.PositiveSmallIntegerField(default=10, help_text="The lowest one in use is used first.")
    hook_generation = models.PositiveIntegerField(
        default=1, help_text="Counted up when its webhook gets a new address: the old one is then worth nothing."
    )
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
        verbose_name_plural = "capability evidence"
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
        verbose_name_plural = "data evidence"
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="data_evidence_latest")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.rows}"


class SendingDomain(TenantScoped):
    """The domain that a tenant's e-mail is from: what DNS, and a message as it was received, say of it, with dates."""

    class State(models.TextChoices):
        READY = "ready"
        DEGRADED = "degraded"
        MISSING = "missing"

    domain = models.CharField(max_length=253)
    dkim_selectors = models.JSONField(default=list, blank=True, help_text="Under which the public keys stand.")
    dkim_domain = models.CharField(max_length=253, blank=True, help_text="Which signs; empty: the domain itself.")
    bounce_domain = models.CharField(
        max_length=253, blank=True, help_text="Which gets bounces; empty: the domain itself."
    )
    state = models.CharField(max_length=20, choices=State.choices, blank=True, help_text="Empty: not looked at yet.")
    findings = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True, blank=True)
    message_state = models.CharField(max_length=20, choices=State.choices, blank=True)
    message_findings = models.JSONField(default=list)
    message_facts = models.JSONField(default=dict)
    message_checked_at = models.DateTimeField(null=True, blank=True)
    busiest_day = models.PositiveIntegerField(default=0, help_text="The most e-mails that left from it on one day.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "domain"], name="sending_domain")]

    def __str__(self) -> str:
        return self.domain
