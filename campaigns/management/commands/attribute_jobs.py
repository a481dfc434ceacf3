from datetime import datetime

from django.core.management.base import CommandParser

from campaigns.results.attributing import attribute
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = "Closes the lapses of customers who came back, and records what each return brought in."
    how_often = "every few minutes, unless `manage.py serve` runs, whose scheduler does it."
    money_keys = ("revenue",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--full", action="store_true", help="Look at every contact, not only at what changed.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        with alone.working(tenant.pk, tenant.slug):
            return attribute(tenant, now=now, full=bool(options.get("full")))
