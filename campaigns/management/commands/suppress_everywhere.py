from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from campaigns.audience import addresses
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.audience.platform_suppressing import NotNoted, lift_everywhere, suppress_everywhere
from campaigns.audience.suppressing import NotLifted
from winback.commands import ReportingCommand, WrongUsage


class Command(ReportingCommand):
    help = (
        "For the operator: closes an address to every business of this installation (a spam trap, a court's order), or "
        "opens it again with --lift. What a business itself has suppressed stays so. Run it once for each address."
    )
    how_often = "once for each address."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("address", metavar="ADDRESS", help="An e-mail address, or a phone number with its +.")
        parser.add_argument("--note", required=True, help="Why; it is kept.")
        parser.add_argument("--channel", choices=["email", "sms", "all"], default="all")
        parser.add_argument("--reason", default="legal", choices=["legal", "spam_trap", "abuse"])
        parser.add_argument("--lift", action="store_true", help="Take it off the list.")

    def handle(self, *_: Any, **options: Any) -> None:
        key = addresses.email_key(options["address"]) or addresses.phone_e164(options["address"], "US")
        if key is None:
            raise WrongUsage("This is no e-mail address and no phone number.")
        told = {"note": options["note"], "actor": "command line", "now": self.now(options)}
        try:
            with transaction.atomic():
                if options["lift"]:
                    rows = PlatformSuppression.objects.filter(address_hmac=addresses.address_hmac(key), lifted_at=None)
                    keys = {"lifted": sum(lift_everywhere(row, **told) for row in rows)}
                else:
                    made = suppress_everywhere(key, channel=options["channel"], reason=options["reason"], **told)
                    keys = {"suppressed": int(made)}
        except (NotNoted, NotLifted) as error:
            raise WrongUsage(f"--note: {error}") from error
        if options["json"]:
            self.print_json(keys)
        else:
            self.print_lines(keys)
