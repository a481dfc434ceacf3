"""Rows for tests: only the fields that matter are named, everything else is plausible."""

from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any

from campaigns.audience.models import Contact, ContactStat, Household, Job
from catalog.models import Niche, Plan
from catalog.reading import Entry, read_entries
from tenants.accounts.models import Brand, Tenant

NOW = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)
_numbers = count(1)


@cache
def _catalog(kind: str) -> dict[str, Entry]:
    return {entry.code: entry for entry in read_entries(kind)}


def catalog_row(model: type[Niche] | type[Plan], kind: str, code: str) -> None:
    """The niche or plan as the catalog's file has it (or empty, for a made-up code), without a whole sync."""
    entry = _catalog(kind).get(code, Entry("", {"code": code, "name": code}))
    defaults = {"name": entry.content["name"], "content": entry.content, "checksum": entry.checksum, "synced_at": NOW}
    if model is Plan:
        defaults["position"] = entry.content.get("position", 0)
    model._default_manager.get_or_create(code=code, defaults=defaults)


def make_tenant(slug: str = "", *, plan: str = "scale", niche: str = "hvac", **fields: Any) -> Tenant:
    """A tenant in Chicago with its main brand. Open ``acting_for_all`` (or use the ``tenant`` fixture) around it."""
    slug = slug or f"tenant-{next(_numbers)}"
    catalog_row(Niche, "niches", niche)
    catalog_row(Plan, "plans", plan)
    defaults: dict[str, Any] = {
        "name": slug.replace("-", " ").title(),
        "legal_name": f"{slug} LLC",
        "timezone": "America/Chicago",
        "country": "US",
        "region": "IL",
        "currency": "USD",
        "postal_address": "12 Oak Street, Springfield, IL 62701",
        "sandbox": True,
        "created_at": NOW,
    }
    tenant = Tenant.objects.create(slug=slug, niche_id=niche, plan_id=plan, **(defaults | fields))
    Brand.objects.create(
        tenant=tenant,
        name=tenant.name,
        legal_name=tenant.legal_name,
        postal_address=tenant.postal_address,
        sender_name=tenant.name,
        sender_email=f"hello@{slug}.example.com",
        sms_name=tenant.name,
    )
    return tenant


def make_contact(tenant: Tenant, **fields: Any) -> Contact:
    """A contact in a household of its own, without jobs."""
    number = next(_numbers)
    household = fields.pop("household", None) or Household.objects.create(
        tenant=tenant, key=f"h{number}", created_at=NOW
    )
    email = fields.pop("email", f"person{number}@example.com")
    defaults: dict[str, Any] = {
        "external_id": f"c{number}",
        "email": email,
        "email_key": email.lower() or None,
        "first_name": "Robin",
        "country": tenant.country,
        "timezone": tenant.timezone,
        "timezones": [tenant.timezone],
        "created_at": NOW,
        "updated_at": NOW,
    }
    contact = Contact.objects.create(tenant=tenant, household=household, **(defaults | fields))
    ContactStat.objects.create(tenant=tenant, contact=contact, next_scan_at=datetime(2000, 1, 1, tzinfo=UTC))
    return contact


def make_job(contact: Contact, completed_at: datetime, **fields: Any) -> Job:
    """A completed job of $120. The contact's stat row is not recomputed: see campaigns.audience.stats."""
    defaults: dict[str, Any] = {
        "external_id": f"j{next(_numbers)}",
        "amount_minor": 12_000,
        "currency": "USD",
        "service": "AC tune-up",
        "status": Job.Status.COMPLETED,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Job.objects.create(
        tenant_id=contact.tenant_id, contact=contact, completed_at=completed_at, **(defaults | fields)
    )
