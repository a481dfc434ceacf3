"""Module activations: activated, deferred with typed requirements, or suspended with a reason."""

from django.db import models

from catalog.models import Module
from tenants.accounts.scoping import TenantScoped


class ModuleActivation(TenantScoped):
    """A tenant's wish to have a module running, and whether it may."""

    class State(models.TextChoices):
        ACTIVATED = "activated"
        DEFERRED = "deferred"
        SUSPENDED = "suspended"
        RETIRED = "retired"

    module = models.ForeignKey(Module, on_delete=models.PROTECT, related_name="+", db_index=False)
    module_version = models.PositiveIntegerField()
    state = models.CharField(max_length=20, choices=State.choices)
    settings = models.JSONField(default=dict)
    requirements = models.JSONField(default=dict)
    holdout_share = models.PositiveIntegerField(null=True, help_text="In hundredths of a percent; fixed at activation.")
    requested_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    evaluated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "module"], name="activation_one_a_module")]

    def __str__(self) -> str:
        return f"{self.module_id}: {self.state}"
