from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.planning import campaigning
from campaigns.planning.models import Campaign
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.plans.entitlements import NotEntitled
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Lists the campaigns of a tenant; --launch, --pause and --resume change one. Run it whenever you like: a "
        "pause acts within seconds, and what is planned keeps its place."
    )
    tenant_required = True
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--launch", metavar="CODE")
        one.add_argument("--pause", metavar="CODE")
        one.add_argument("--resume", metavar="CODE")
        parser.add_argument("--reason", default="paused at the command line", help="Why it pauses.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            if options.get("launch"):
                campaigning.launch(self._find(tenant, options["launch"]), now=now, actor="command line")
            if options.get("pause"):
                campaign = self._find(tenant, options["pause"])
                campaigning.pause(campaign, reason=options["reason"], now=now, actor="command line")
            if options.get("resume"):
                campaigning.resume(self._find(tenant, options["resume"]), now=now, actor="command line")
        except (campaigning.NotLaunched, NotEntitled) as error:
            raise CommandError(str(error)) from error
        rows = Campaign.objects.for_tenant(tenant).order_by("pk")
        return {campaign.code: {"state": campaign.state, "reason": campaign.state_reason} for campaign in rows}

    def _find(self, tenant: Tenant, code: str) -> Campaign:
        rows = Campaign.objects.for_tenant(tenant).select_related("offer", "activation", "tenant__plan")
        campaign: Campaign | None = rows.filter(code=code).first()
        if campaign is None:
            raise WrongUsage(f"{tenant.slug} has no campaign {code!r}.")
        return campaign
