from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.audience.suppressing import NotLifted
from campaigns.operating.explaining import NoSuchContact, find_contact
from campaigns.operating.stopping import allow_again, stop_writing
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Stops writing to a contact over a channel or over all of them, at once. Run it when somebody said so by phone "
        "or letter. --lift with a --note allows it again: only when the person asked for it, or by mistake suppressed."
    )
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="External id, e-mail address or phone number.")
        super().add_arguments(parser)
        parser.add_argument("--channel", choices=["email", "sms", "all"], default="all")
        parser.add_argument("--reason", default="asked_staff", help="A short code, such as asked_by_phone.")
        parser.add_argument("--lift", action="store_true", help="Allow the channel (or all) again.")
        parser.add_argument("--note", default="", help="With --lift: why. It stays on record.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            contact = find_contact(tenant, options["contact"])
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        if options["lift"]:
            try:
                lifted = allow_again(
                    tenant,
                    contact,
                    channel=options["channel"],
                    note=options["note"],
                    now=now,
                    actor="command line",
                )
            except NotLifted as error:
                raise WrongUsage(f"--note: {error}") from error
            return {"lifted": lifted}
        stopped = stop_writing(
            tenant,
            [contact],
            channel=options["channel"],
            reason=options["reason"],
            now=now,
            actor="command line",
        )
        return {"suppressed": bool(stopped)}
