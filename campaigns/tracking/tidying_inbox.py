"""What was applied is not needed for long: bodies name people, and go after a week; the rows go after a season.

A row without its body still bars an identical repeat.
"""

from datetime import datetime, timedelta

from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant

BODIES_KEPT_FOR = timedelta(days=7)
UNREADABLE_KEPT_FOR = timedelta(days=30)
ROWS_KEPT_FOR = timedelta(days=90)


def tidy(tenant: Tenant, *, now: datetime) -> int:
    """Empty and remove what is over; returns how many rows were. Inside the open scope of the tenant."""
    rows = InboxItem.objects.for_tenant(tenant)
    done = [InboxItem.State.APPLIED, InboxItem.State.IGNORED]
    removed, _ = rows.filter(received_at__lt=now - ROWS_KEPT_FOR).exclude(state=InboxItem.State.WAITING).delete()
    emptied = (
        rows.filter(state__in=done, settled_at__lt=now - BODIES_KEPT_FOR)
        .exclude(body=b"")
        .update(body=b"", headers={}, query="")
    )
    emptied += (
        rows.filter(state=InboxItem.State.UNREADABLE, settled_at__lt=now - UNREADABLE_KEPT_FOR)
        .exclude(body=b"")
        .update(body=b"", headers={}, query="")
    )
    return removed + emptied
