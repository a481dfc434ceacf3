from collections.abc import Sequence
from datetime import date, datetime

from django.core.management.base import CommandParser

from campaigns.results.printing import report_lines
from campaigns.results.reporting import PeriodEndsBeforeItBegins, results
from tenants.accounts.commands import TenantCommand, add_up
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Reports what came of the campaigns: who came back, written to and held out, the lift, the revenue and the "
        "cost. Run it whenever you want to know; it changes nothing."
    )
    how_often = "whenever you want to know."
    takes_dry_run = False
    money_keys = ("revenue", "cost", "cost_matured")

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        for flag, name, word in (("--from", "first", "first"), ("--to", "last", "last")):
            parser.add_argument(
                flag, dest=name, type=date.fromisoformat, metavar="DATE", help=f"The {word} day of enrolment, included."
            )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            return results(tenant, now=now, first=options.get("first"), last=options.get("last"))
        except PeriodEndsBeforeItBegins as error:
            raise WrongUsage("--to lies before --from.") from error

    def total(self, results: Sequence[Keys]) -> Keys:
        """Counts and money. Rates and intervals of different businesses do not add up."""
        counted = [
            {key: value for key, value in keys.items() if isinstance(value, int | str) or key == "messages"}
            for keys in results
        ]
        return add_up(counted, self.money_keys)

    def print_lines(self, keys: Keys, indent: str = "") -> None:
        if "period" not in keys:  # the total over tenants, or what went wrong
            super().print_lines(keys, indent)
            return
        for line in report_lines(keys):
            self.stdout.write(f"{indent}{line}".rstrip())
