"""What RQ workers run for connections: the job reads the clock once and makes one call."""

from django.utils import timezone

from campaigns.operating import connection_tries
from tenants.accounts.models import Tenant


def carry_out(*, tenant: int, task: int) -> None:
    """Send a test through a connection, or ask whether it answers."""
    connection_tries.carry_out(Tenant.objects.get(pk=tenant), task, now=timezone.now())
