"""Where tracked links lead: a link's address holds no destination, only the number of a row here."""

from django.db import models
from django.db.models import Q

from campaigns.planning.models import Campaign, Variant
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class TrackedLink(TenantScoped):
    """One destination in the words of one variant of a campaign, the same row for everybody who gets them."""

    campaign = TenantForeignKey(Campaign, related_name="links")
    variant = TenantForeignKey(Variant)
    url = models.CharField(max_length=2000)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the URL.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "variant", "digest"], name="tracked_link_once"),
            models.CheckConstraint(condition=Q(url__regex=r"^https?://[^/]"), name="tracked_link_leads_to_a_page"),
        ]

    def __str__(self) -> str:
        return self.url
