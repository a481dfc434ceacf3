"""What a module can lack, taken away and read from its answer."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tenants.accounts.models import Brand, Tenant
from tenants.connections.evidence import note_data
from tenants.connections.models import Connection

Breakage = Callable[[Tenant, datetime], object]


def refused_plan(tenant: Tenant, now: datetime) -> None:
    """Put the tenant on a plan without texts."""
    Tenant.objects.filter(pk=tenant.pk).update(plan_id="starter")
    tenant.refresh_from_db()


def no_address(tenant: Tenant, now: datetime) -> None:
    """Take its postal address away."""
    Brand.objects.for_tenant(tenant).update(postal_address="")
    Tenant.objects.filter(pk=tenant.pk).update(postal_address="")
    tenant.refresh_from_db()


BREAKAGES: dict[str, Breakage] = {
    "entitlement.sms.not_in_plan": refused_plan,
    "capability.email.not_connected": lambda _tenant, _: Connection.objects.filter(kind="email").delete(),
    "capability.sms.not_connected": lambda _tenant, _: Connection.objects.filter(kind="sms").delete(),
    "capability.crm.no_contacts": lambda tenant, now: note_data(tenant, "contacts", rows=0, newest_at=None, now=now),
    "capability.crm.no_jobs": lambda tenant, now: note_data(tenant, "jobs", rows=0, newest_at=None, now=now),
    "compliance.postal_address.missing": no_address,
}


def due(body: dict[str, Any], when: str = "currently_due") -> set[str]:
    """The codes of what an answer says is due."""
    return {requirement["code"] for requirement in body["requirements"][when]}
