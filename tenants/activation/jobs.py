"""What RQ workers run for activation: each job reads the clock once and makes one call."""

from django.utils import timezone

from tenants.accounts.models import Tenant
from tenants.activation import activating


def look_again(*, tenant: int) -> None:
    """Probe everything that a tenant has connected, outside any transaction, and look again at its modules."""
    activating.look_again(Tenant.objects.get(pk=tenant), now=timezone.now())
