"""Addresses that no tenant of this installation may write to."""

from django.db import models
from django.db.models import Q

from campaigns.audience.models import Channel, Suppression


class PlatformSuppression(models.Model):
    """An address that nobody here may write to (a spam trap, a court's order), by its keyed digest.

    It belongs to the operator of the installation and to no tenant: no row-level security, nothing in it names a
    person or a business, and tenants see only that an address is suppressed.
    """

    channel = models.CharField(max_length=10, choices=[*Channel.choices, (Suppression.ALL_CHANNELS, "All channels")])
    address_hmac = models.CharField(max_length=64)
    reason = models.CharField(max_length=40)
    note = models.TextField()
    added_by = models.CharField(max_length=200)
    occurred_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True)
    lifted_note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address_hmac", "channel"],
                condition=Q(lifted_at__isnull=True),
                name="platform_suppression_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.reason}"
