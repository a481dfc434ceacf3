"""``check_domain``: see tenants/connections/domains.py."""

from datetime import datetime

from django.core.management.base import CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.activation import activating
from tenants.connections import domain_evidence, domains
from winback.commands import Keys, WrongUsage
from winback.tenancy import acting_for


class Command(TenantCommand):
    help = "Looks up SPF, DKIM, DMARC and MX of the domains that e-mail is from, and says which record to add."
    how_often = "after a change of DNS records; the schedule does it daily."
    opens_scope = False  # the DNS is asked outside any transaction
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--domain", default="", help="This domain alone, also of a sandbox.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            looked = domains.look_up(tenant, now=now, only=options["domain"])
        except domains.NoDomain as error:
            raise WrongUsage(str(error)) from error
        with acting_for(tenant.pk):
            activating.reevaluate(tenant, now=now)
            found = {
                each.row.domain: domain_evidence.as_dict(each.row, now=now) | {"undecided": each.undecided}
                for each in looked
            }
        return {"domains": found}
