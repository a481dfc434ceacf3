from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating.explaining import NoSuchContact, find_contact
from campaigns.operating.stopping import stop_writing
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Stops writing to a contact over a channel or over all of them, at once. Run it when somebody said so by phone "
        "or letter; only a manager lifts it again, in the console, with a reason."
    )
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="External id, e-mail address or phone number.")
        super().add_arguments(parser)
        parser.add_argument("--channel", choices=["email", "sms", "all"], default="all")
        parser.add_argument("--reason", default="asked_staff", help="A short code, such as asked_by_phone.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            contact = find_contact(tenant, options["contact"])
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        stopped = stop_writing(
            tenant,
            [contact],
            channel=options["channel"],
            reason=options["reason"],
            now=now,
            actor="command line",
        )
        return {"suppressed": bool(stopped)}
