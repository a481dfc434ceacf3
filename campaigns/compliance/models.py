"""The touch ledger, and what is known of recipients' domains: how far they were ramped up, and whether they take mail.

Caps are reservations, taken in the claim, so that two workers never both write to a household.
"""

from django.db import models
from django.db.models import Q

from campaigns.audience.models import Household
from campaigns.planning.models import Message
from tenants.accounts.scoping import TenantForeignKey, TenantScoped, TenantScopedByItsKeys


class Touch(TenantScopedByItsKeys):
    """The n-th touch of a household; its unique ordinal makes a cap a reservation that only one claim can win."""

    household = TenantForeignKey(Household)
    ordinal = models.PositiveIntegerField()
    message = TenantForeignKey(Message)
    channel = models.CharField(max_length=10)
    domain = models.CharField(max_length=253, default="", help_text="Of an e-mail's recipient.")
    touched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "household", "ordinal"], name="touch_ordinal"),
            models.UniqueConstraint(fields=["tenant", "message"], name="touch_of_message"),
        ]
        indexes = [
            models.Index(fields=["tenant", "household", "-touched_at"], name="touch_recent"),
            models.Index(fields=["tenant", "domain", "touched_at"], name="touch_of_domain", condition=~Q(domain="")),
        ]

    def __str__(self) -> str:
        return f"touch {self.ordinal}"


class DomainRamp(TenantScoped):
    """How many e-mails a recipients' domain might get on the last day on which it was to get any (ramp.py)."""

    domain = models.CharField(max_length=253)
    day = models.DateField()
    cap = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "domain"], name="ramp_of_domain")]

    def __str__(self) -> str:
        return f"{self.cap} a day"


class RecipientDomain(TenantScoped):
    """Whether a recipients' domain takes mail at all, as the DNS last said (recipient_domains.py)."""

    domain = models.CharField(max_length=253)
    takes_mail = models.BooleanField(null=True, help_text="Null: the DNS has given no answer yet.")
    why = models.CharField(max_length=20, blank=True, help_text="no_such_domain, null_mx or no_server.")
    checked_at = models.DateTimeField(null=True, help_text="When the DNS answered.")
    asked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "domain"], name="recipient_domain")]

    def __str__(self) -> str:
        return self.domain
