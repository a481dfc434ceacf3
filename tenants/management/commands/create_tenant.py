"""``create_tenant``: see tenants/activation/onboarding.py."""

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from tenants.activation.onboarding import TenantRefused, create_tenant
from winback.commands import ReportingCommand, WrongUsage


class Command(ReportingCommand):
    help = "Makes a tenant with its first brand and its owner. A sandbox sends to the local outbox alone."
    how_often = "once for each business."
    takes_dry_run = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--name", required=True)
        parser.add_argument("--niche", required=True, help="Such as hvac; sync_catalog loads them.")
        parser.add_argument("--timezone", required=True, help="Such as America/Chicago.")
        parser.add_argument("--country", required=True, help="Such as US.")
        parser.add_argument("--region", default="", help="Such as TX.")
        parser.add_argument("--currency", default="", help="Such as USD; the country's unless given.")
        parser.add_argument("--plan", default="", help="starter unless given; scale for a sandbox.")
        parser.add_argument("--address", default="", help="The postal address under every e-mail.")
        parser.add_argument("--owner", default="", metavar="EMAIL", help="Whoever signs in as the owner.")
        parser.add_argument("--sandbox", action="store_true", help="E-mail and texts go to the local outbox.")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                made = create_tenant(
                    options["slug"],
                    name=options["name"],
                    niche=options["niche"],
                    timezone=options["timezone"],
                    country=options["country"],
                    region=options["region"],
                    currency=options["currency"],
                    plan=options["plan"],
                    address=options["address"],
                    owner_email=options["owner"],
                    sandbox=options["sandbox"],
                    now=self.now(options),
                )
                if options["dry_run"]:
                    transaction.set_rollback(True)
        except TenantRefused as error:
            raise WrongUsage(f"The tenant was not made: {error}.") from error
        keys: dict[str, Any] = {
            "tenant": made.tenant.slug,
            "brand": made.brand.code,
            "plan": made.tenant.plan_id,
            "currency": made.tenant.currency,
            "sandbox": made.tenant.sandbox,
            "postal_address": made.tenant.postal_address,
        }
        if made.owner is not None:
            keys["owner"] = {"email": made.owner.email, "password": made.password or None}
        if options["json"]:
            self.print_json(keys)
            return
        self.print_lines(keys)
        if made.password:
            self.stdout.write("The password is shown this once: change it after signing in at /console/.")
        if made.tenant.sandbox:
            self.stdout.write("Sandbox: messages go to the local outbox, nobody receives them.")
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was kept.")
