"""What happened: the append-only journal of events, the hash-chained audit of people's acts, and background work."""

from django.db import models

from tenants.accounts.scoping import TenantScoped


class Event(TenantScoped):
    """One thing that happened, for staff and for rules. Append-only, partitioned by month, no keys into it.

    ``occurred_at`` is when it happened (a simulation's clock in a simulation); ``recorded_at`` is when it was written.
    Data holds ids, never personal data.
    """

    kind = models.CharField(max_length=80)
    contact_id = models.BigIntegerField(null=True)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "contact_id", "occurred_at"], name="event_of_contact"),
            models.Index(fields=["tenant", "kind", "occurred_at"], name="event_of_kind"),
        ]

    def __str__(self) -> str:
        return self.kind


class AuditEntry(TenantScoped):
    """What a person (or key) did, chained by hash so that an edit, a removal or a reordering is found."""

    sequence = models.BigIntegerField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=40, blank=True)
    subject_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [models.UniqueConstraint(fields=["tenant", "sequence"], name="audit_sequence")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class Task(TenantScoped):
    """A piece of long background work with its progress (a *job* is a customer's)."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    arguments = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-created_at"], name="task_recent")]

    def __str__(self) -> str:
        return self.title


class Checkpoint(TenantScoped):
    """How far a piece of incremental work has come, so that the next run starts there."""

    name = models.CharField(max_length=60)
    position = models.JSONField(default=dict)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="checkpoint_name")]

    def __str__(self) -> str:
        return self.name
