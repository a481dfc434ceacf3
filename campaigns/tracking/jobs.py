"""What RQ workers run for this room."""

from django.utils import timezone

from campaigns.tracking import applying, thread_outbox
from tenants.accounts import alone
from tenants.accounts.models import Tenant


def apply_events(*, tenant: int) -> None:
    """Apply what providers reported to one tenant."""
    with alone.regular_work([tenant]) as free:
        if free:  # else it is being simulated: the schedule finds what waits when that is over
            applying.apply(Tenant.objects.get(pk=tenant), now=timezone.now())


def send_answers(*, tenant: int) -> None:
    """Send what somebody has just answered, without waiting for the schedule."""
    with alone.regular_work([tenant]) as free:
        if free:
            thread_outbox.send_due(Tenant.objects.get(pk=tenant), now=timezone.now())
