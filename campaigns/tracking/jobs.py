"""What RQ workers run for this room."""

from django.utils import timezone

from campaigns.tracking import applying
from tenants.accounts.models import Tenant


def apply_events(*, tenant: int) -> None:
    """Apply what providers reported to one tenant."""
    applying.apply(Tenant.objects.get(pk=tenant), now=timezone.now())
