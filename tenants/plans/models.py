"""What a tenant has used of what its plan allows."""

from django.db import models

from tenants.accounts.scoping import TenantScoped


class Usage(TenantScoped):
    """How much of a metered feature a tenant used in one calendar month of its own zone."""

    feature = models.CharField(max_length=60)
    month = models.DateField(help_text="The first day of the month.")
    amount = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "usage"
        constraints = [models.UniqueConstraint(fields=["tenant", "feature", "month"], name="usage_month")]

    def __str__(self) -> str:
        return f"{self.feature} {self.month:%Y-%m}: {self.amount}"
