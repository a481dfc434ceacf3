from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import restricting
from campaigns.operating.explaining import NoSuchContact
from campaigns.operating.joining import find_one
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Restricts the processing of one person (GDPR art. 18): kept, and neither scanned, planned for nor written to "
        "until it is lifted with a note. Run it when a person contests what is on file, or objects."
    )
    how_often = "when a person asks."
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "contact", metavar="CONTACT", help="External id, e-mail address, phone number, or # and its number."
        )
        super().add_arguments(parser)
        parser.add_argument("--ground", choices=list(restricting.GROUNDS), default="accuracy_contested")
        parser.add_argument("--lift", action="store_true", help="Let it be processed again.")
        parser.add_argument("--note", default="", help="With --lift: why, and when the person was told.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            contact = find_one(tenant, options["contact"])
            if options["lift"]:
                return {"lifted": restricting.lift(contact, note=options["note"], now=now, actor="command line")}
            made = restricting.restrict(contact, ground=options["ground"], now=now, actor="command line")
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        except restricting.NotRestricted as error:
            raise WrongUsage(str(error)) from error
        return {"restricted": made}
