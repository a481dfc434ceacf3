from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.audience.consent import NotRecorded, report_consent
from campaigns.audience.models import Channel, Consent
from campaigns.operating.explaining import NoSuchContact, find_contact
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import AsOf, Keys, WrongUsage, as_of


class Command(TenantCommand):
    help = (
        "Records what a contact said: a yes or a no to messages over a channel, or to the following of its opens and "
        "clicks (--purpose tracking). Run it when somebody said so by phone, letter or form. Nothing of it can be "
        "changed or deleted: a withdrawal is a fact of its own."
    )
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="External id, e-mail address or phone number.")
        super().add_arguments(parser)
        parser.add_argument("--purpose", choices=[Consent.MARKETING, Consent.TRACKING], default=Consent.MARKETING)
        parser.add_argument("--channel", choices=Channel.values, default=Channel.EMAIL)
        parser.add_argument("--state", choices=Consent.State.values, required=True, help="What was said.")
        parser.add_argument("--stated-at", type=as_of, required=True, metavar="ISO-8601", help="When it was said.")
        parser.add_argument("--source", required=True, help="Where it was said, such as “phone call to the office”.")
        parser.add_argument("--wording", default="", help="What was agreed to, word for word. A yes needs it.")
        parser.add_argument("--proven-by", default="", help="What could be shown to a court, and where it is kept.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        stated_at = options["stated_at"]  # text where the command is called from Python
        at: AsOf = as_of(stated_at) if isinstance(stated_at, str) else stated_at
        try:
            contact = find_contact(tenant, options["contact"])
            kept = report_consent(
                contact,
                options["channel"],
                options["state"],
                purpose=options["purpose"],
                stated_at=at.in_zone(tenant.zone),
                source=options["source"],
                wording=options["wording"],
                evidence={"note": options["proven_by"]} if options["proven_by"] else {},
                now=now,
                actor="command line",
            )
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        except NotRecorded as error:
            raise WrongUsage(str(error)) from error
        return {"consent": kept.pk, "recorded_at": kept.recorded_at.isoformat()}
