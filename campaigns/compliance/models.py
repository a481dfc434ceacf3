"""The touch ledger: caps are reservations, taken in the claim, so that two workers never both write to a household."""

from django.db import models

from campaigns.audience.models import Household
from campaigns.planning.models import Message
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class Touch(TenantScoped):
    """The n-th touch of a household; its unique ordinal makes a cap a reservation that only one claim can win."""

    household = TenantForeignKey(Household)
    ordinal = models.PositiveIntegerField()
    message = TenantForeignKey(Message)
    channel = models.CharField(max_length=10)
    touched_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "household", "ordinal"], name="touch_ordinal"),
            models.UniqueConstraint(fields=["tenant", "message"], name="touch_of_message"),
        ]
        indexes = [models.Index(fields=["tenant", "household", "-touched_at"], name="touch_recent")]

    def __str__(self) -> str:
        return f"touch {self.ordinal}"
