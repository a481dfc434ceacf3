from datetime import datetime

from campaigns.tracking import applying
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Applies what providers reported over their webhooks and is not applied yet: deliveries, bounces, complaints, "
        "opt-outs, clicks, replies. Applying twice changes nothing."
    )
    how_often = "every minute, unless `manage.py serve` runs, whose workers do it as reports arrive."
    opens_scope = False

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        with alone.working(tenant.pk, tenant.slug):
            done = applying.apply(tenant, now=now)
        return {"applied": done.applied, "ignored": done.ignored}
