"""What attributing left behind: who is credited with which job, and what the journal says."""

from typing import Any

from campaigns.results.models import Reactivation
from tenants.accounts.models import Tenant
from tenants.journal.models import Event


def credited(tenant: Tenant) -> dict[int, int]:
    """Enrolment → job."""
    return dict(Reactivation.objects.for_tenant(tenant).values_list("enrolment_id", "job_id"))


def events(tenant: Tenant, kind: str) -> list[tuple[int | None, dict[str, Any]]]:
    """The contact and the facts of every event of a kind, the earliest first."""
    rows = Event.objects.for_tenant(tenant).filter(kind=kind).order_by("id")
    return list(rows.values_list("contact_id", "data"))
