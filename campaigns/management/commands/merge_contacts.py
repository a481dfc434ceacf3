from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.audience.merging import CannotMerge
from campaigns.operating.explaining import NoSuchContact
from campaigns.operating.joining import find_one, join
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Makes two contacts that are one person into one: jobs, tags, what forbids and what the other lacks go to "
        "WINNER; LOSER is closed and what was planned for it ends. Run it for duplicates that a file or a person shows "
        "you, with --dry-run first: it cannot be taken back."
    )
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        how = "External id, e-mail address, phone number, or # and its number."
        parser.add_argument("loser", metavar="LOSER", help=f"The contact that goes. {how}")
        parser.add_argument("winner", metavar="WINNER", help=f"The contact that stays. {how}")
        super().add_arguments(parser)

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            loser, winner = find_one(tenant, options["loser"]), find_one(tenant, options["winner"])
            return join(loser, winner, now=now, actor="command line")
        except (NoSuchContact, CannotMerge) as error:
            raise CommandError(str(error)) from error
