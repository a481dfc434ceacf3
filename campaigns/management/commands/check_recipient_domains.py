from datetime import datetime

from campaigns.compliance import recipient_domains
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Asks the DNS whether the e-mail domains of dormant customers take mail at all; those that do not are written "
        "to no more. `serve` does it every five minutes, before it plans, at most 200 domains at a time; run it again "
        "yourself where plan_messages is run by cron, or before a first launch."
    )
    opens_scope = False
    takes_dry_run = False

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        return recipient_domains.look_up(tenant, now=now)
