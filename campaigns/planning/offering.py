"""Which offers a module may make."""

from campaigns.planning.models import Offer
from tenants.accounts.models import Tenant


def offer_choices(tenant: Tenant) -> list[tuple[str, str]]:
    """Code and name of the tenant's offers, the newest first: what a module's settings choose from."""
    rows = Offer.objects.for_tenant(tenant).order_by("-created_at", "-pk")
    return [(offer.code, f"{offer.name} ({offer.code})") for offer in rows[:100]]
