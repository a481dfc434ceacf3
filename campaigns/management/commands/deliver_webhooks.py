from datetime import datetime

from campaigns.operating import webhooks
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Tells the tenants' own systems what has happened: queues new events of the journal for their webhook "
        "endpoints and sends what is due. Running it twice sends nothing twice."
    )
    how_often = "every minute, unless `manage.py serve` runs, whose schedule does it every 20 seconds."
    opens_scope = False
    takes_as_of = False
    takes_dry_run = False

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        return webhooks.work(tenant, now=now)
