from datetime import datetime

from campaigns.operating import planning
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Makes the campaigns of active modules, enrols open lapses within the day's cap, and plans the steps that are "
        "due, with every guard asked. Run it as often as you like: what is planned is not planned again."
    )
    how_often = "every five minutes, unless `manage.py serve` runs, whose scheduler does it."

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        with alone.working(tenant.pk, tenant.slug):
            return dict(planning.plan(tenant, now=now))
