"""The evidence that data arrived: written by each import in its own transaction, read by the crm probe."""

from datetime import datetime

from tenants.accounts.models import Tenant
from tenants.connections.models import DataEvidence


def note_data(tenant: Tenant, kind: str, *, rows: int, newest_at: datetime | None, now: datetime) -> None:
    """How many ``contacts`` or ``jobs`` the tenant has now, and the time of the newest one."""
    DataEvidence.objects.for_tenant(tenant).update_or_create(
        tenant=tenant, kind=kind, defaults={"rows": rows, "newest_at": newest_at, "recorded_at": now}
    )


def rows_of(tenant: Tenant, kind: str) -> int:
    """How many there are, by the last import's count."""
    rows = DataEvidence.objects.for_tenant(tenant).filter(kind=kind).values_list("rows", flat=True).first()
    return int(rows or 0)
