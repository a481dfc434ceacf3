"""What spans the rooms: the schedule, and simulations that can go on where they stopped."""

from django.db import models

from tenants.accounts.scoping import TenantScoped


class ScheduledTask(models.Model):
    """When a piece of regular work is due next. Of the platform, so without a tenant."""

    code = models.CharField(max_length=60, primary_key=True)
    every_seconds = models.PositiveIntegerField()
    next_due_at = models.DateTimeField()
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    after_tenant = models.BigIntegerField(default=0, help_text="How far the round has come, of work by tenant.")

    def __str__(self) -> str:
        return self.code


class SimulatedDay(TenantScoped):
    """One finished day of a simulation: what makes it resumable, and its report."""

    day = models.DateField()
    result = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "day"], name="simulated_day_once")]

    def __str__(self) -> str:
        return f"{self.day}"
