"""``create_api_key``: see tenants/access/keys.py."""

from datetime import datetime

from django.core.management.base import CommandParser

from tenants.access.keys import UnknownScope, create_key
from tenants.access.permissions import SCOPES
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = "Makes an API key for a tenant and prints it, this once."
    how_often = "once for each program that uses the API."
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True, help="What the key is for.")
        parser.add_argument(
            "--scope",
            nargs="+",
            action="extend",
            default=[],
            metavar="S",
            help=f"All unless given: {', '.join(SCOPES)}.",
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            key, text = create_key(tenant, name=options["name"], scopes=options["scope"], now=now)
        except UnknownScope as error:
            raise WrongUsage(str(error)) from error
        audit.append(tenant.pk, actor="command line", action="key.created", now=now, subject=key)
        return {"key": text, "prefix": key.prefix, "scopes": key.scopes}
