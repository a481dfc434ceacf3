"""The proof that people were forgotten: what was removed, by table, and what was not ours to remove."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tenants.accounts.scoping import TenantScoped


class Erasure(TenantScoped):
    """One erasing of one or several people. It names nobody: the numbers are those of the emptied contact rows."""

    class State(models.TextChoices):
        """``FINISHING``: a message was on its way just then; what its provider answers is emptied, too."""

        FINISHING = "finishing"
        DONE = "done"

    contacts = ArrayField(models.BigIntegerField(), help_text="The emptied rows, with those merged into them.")
    people = models.PositiveIntegerField()
    asked_by = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices)
    removed = models.JSONField(default=dict, help_text="Table → how many rows were emptied, closed or deleted.")
    kept = models.JSONField(default=dict, help_text="What stays, and how much of it.")
    elsewhere = models.JSONField(default=list, help_text="What is not ours to remove, by code.")
    hosts = models.JSONField(default=dict, help_text="Host → when the files that it keeps itself were gone through.")
    erased_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-erased_at"], name="erasure_recent"),
            models.Index(fields=["tenant", "id"], name="erasure_finishing", condition=Q(state="finishing")),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"


class Host(models.Model):
    """A host that keeps files of its own, which only itself can reach. Of the platform, so without a tenant."""

    key = models.UUIDField(primary_key=True, help_text="As it stands in its WINBACK_HOME.")
    name = models.CharField(max_length=200)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
