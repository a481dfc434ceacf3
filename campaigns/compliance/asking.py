"""What the guards are asked with: one campaign's settings, its tenant's plan, and the moment."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from django.db import connection

from campaigns.audience.assigning import MODULE
from campaigns.audience.models import Channel
from campaigns.audience.tagging import RESTRICTED
from campaigns.compliance import consent_basis
from campaigns.planning.models import Campaign
from catalog.models import Module
from catalog.word_lists import versions, words_of
from tenants.accounts.models import Brand, Tenant
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import filled
from tenants.plans import entitlements


@dataclass(frozen=True)
class Asking:
    """The rules that hold for one campaign at one moment."""

    tenant: Tenant
    campaign: Campaign
    now: datetime
    channels: tuple[str, ...]
    forbidding_tags: tuple[str, ...]
    silence_months: int | None
    sunset_sends: int | None
    cap_touches: int
    cap_days: int
    courteous_email: bool

    @property
    def today(self) -> date:
        return self.now.astimezone(self.tenant.zone).date()

    @property
    def not_enrolled_since(self) -> datetime:
        """Who was enrolled after this moment is not enrolled for another lapse yet."""
        return self.now - timedelta(days=self.campaign.activation.settings.get("reenrol_after_days", 180))

    def parameters(self) -> dict[str, Any]:
        """The parameters of the guards' SQL."""
        return consent_basis.parameters(self.today) | {
            "tenant": self.tenant.pk,
            "campaign": self.campaign.pk,
            "brand": self.campaign.brand_id,
            "now": self.now,
            "at": self.now.astimezone(UTC).isoformat(),
            "today": self.today,
            "zone": self.tenant.timezone,
            "known_zones": list(_known_zones()),
            "channels": list(self.channels),
            "forbidding_tags": list(self.forbidding_tags),
            "silence_months": self.silence_months,
            "sunset_sends": self.sunset_sends,
            "cap_touches": self.cap_touches,
            "cap_days": self.cap_days,
            **_address_lists(self.today),
        }


@lru_cache(maxsize=64)
def _address_lists(day: date) -> dict[str, Any]:
    """What kinds of addresses are left out (campaigns.compliance.guards), with the versions of the lists."""
    lists = ("role_accounts", "disposable_domains")
    return {name: list(words_of(name, day)) for name in lists} | {"address_lists": json.dumps(versions(lists, day))}


@cache
def _known_zones() -> tuple[str, ...]:
    """The zones that the database knows: it may be older than the zones of a contact, and raises for another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_timezone_names ORDER BY name")
        return tuple(row[0] for row in cursor.fetchall())


def asking_of_tenant(tenant: Tenant, *, now: datetime) -> Asking:
    """The rules of the tenant's first campaign; before there is one, of its module, and before that its defaults."""
    campaign = (
        Campaign.objects.for_tenant(tenant)
        .select_related("activation", "tenant__plan", "tenant__niche")
        .order_by("pk")
        .first()
    )
    if campaign is None:
        campaign = Campaign(
            tenant=tenant,
            activation=ModuleActivation.objects.for_tenant(tenant).filter(module=MODULE).first() or _defaults(tenant),
            brand=Brand.objects.for_tenant(tenant).get(is_default=True),
        )
    return asking_of(campaign, now=now)


def _defaults(tenant: Tenant) -> ModuleActivation:
    module = Module.objects.get(code=MODULE)
    return ModuleActivation(tenant=tenant, module=module, settings=filled(module, {}))


def asking_of(campaign: Campaign, *, now: datetime) -> Asking:
    """The rules of a campaign, from its module's settings and what the plan allows now."""
    settings: dict[str, Any] = campaign.activation.settings
    tenant = campaign.tenant
    wanted = settings.get("channels") or Channel.values
    tags = settings.get("do_not_contact_tags", []) if settings.get("exclude_do_not_contact", True) else []
    return Asking(
        tenant=tenant,
        campaign=campaign,
        now=now,
        channels=tuple(
            channel
            for channel in wanted
            if entitlements.decide(tenant, f"channel.{channel}", now=now, note=False).allowed
        ),
        forbidding_tags=(*(tag.strip().lower() for tag in tags), RESTRICTED),
        silence_months=settings.get("marketing_after_months_of_silence", 24),
        sunset_sends=settings.get("sunset_after_messages", 4),
        cap_touches=settings.get("frequency_cap_touches", 3),
        cap_days=settings.get("frequency_cap_days", 7),
        courteous_email=settings.get("email_courteous_hours", True),
    )
