from datetime import date, datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import simulating
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Runs scan, plan, send and attribute day by day over a stretch of time, on a sandbox tenant. "
        "Run it again after it was stopped: it goes on where it was."
    )
    how_often = "when you want to see what a year would have brought."
    opens_scope = False
    tenant_required = True
    takes_as_of = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--from", dest="first", required=True, type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--to", dest="last", required=True, type=date.fromisoformat, metavar="DATE")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        if options["last"] < options["first"]:
            raise WrongUsage("--to lies before --from.")
        progress = self.progress(f"Simulating {tenant.slug}", (options["last"] - options["first"]).days + 1)
        try:
            with progress:
                return simulating.simulate(
                    tenant,
                    first=options["first"],
                    last=options["last"],
                    dry_run=bool(options.get("dry_run")),
                    progress=lambda done, _total: progress.move_to(done),
                )
        except simulating.LaterAlready as error:
            raise WrongUsage(str(error)) from error
        except (simulating.NotASandbox, alone.AlreadySimulating, alone.RegularWorkGoesOn) as error:
            raise CommandError(str(error)) from error
