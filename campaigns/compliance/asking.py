"""What the guards are asked with: one campaign's settings, its tenant's plan, and the moment."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from campaigns.audience.models import Channel
from campaigns.compliance.consent_basis import valid_on
from campaigns.planning.models import Campaign
from tenants.accounts.models import Tenant
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
    cap_touches: int
    cap_days: int
    courteous_email: bool

    @property
    def today(self) -> date:
        return self.now.astimezone(self.tenant.zone).date()

    def parameters(self) -> dict[str, Any]:
        """The parameters of the guards' SQL."""
        rules = valid_on(self.today)
        return {
            "tenant": self.tenant.pk,
            "campaign": self.campaign.pk,
            "brand": self.campaign.brand_id,
            "now": self.now,
            "today": self.today,
            "zone": self.tenant.timezone,
            "channels": list(self.channels),
            "forbidding_tags": list(self.forbidding_tags),
            "silence_months": self.silence_months,
            "cap_touches": self.cap_touches,
            "cap_days": self.cap_days,
            "rule_codes": [rule.code for rule in rules],
            "rule_channels": [rule.channel for rule in rules],
            "rule_countries": [",".join(rule.countries) for rule in rules],
            "rule_bases": [rule.basis for rule in rules],
            "rule_months": [rule.months for rule in rules],
        }


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
        forbidding_tags=tuple(tag.strip().lower() for tag in tags),
        silence_months=settings.get("marketing_after_months_of_silence", 24),
        cap_touches=settings.get("frequency_cap_touches", 3),
        cap_days=settings.get("frequency_cap_days", 7),
        courteous_email=settings.get("email_courteous_hours", True),
    )
