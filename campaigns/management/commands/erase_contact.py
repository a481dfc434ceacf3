from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import hosts
from campaigns.operating.elsewhere import WHAT_TO_DO
from campaigns.operating.erasing import CannotErase, erase
from campaigns.operating.explaining import NoSuchContact
from campaigns.operating.joining import find_one
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys
from winback.tenancy import acting_for


class Command(TenantCommand):
    help = (
        "Erases a person (or several) from every table and file here, and keeps a dated proof that names nobody. Run "
        "it when a person asks to be forgotten, with --dry-run first: it cannot be taken back."
    )
    how_often = "when a person asks."
    tenant_required = True
    opens_scope = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--contact", required=True, action="append", metavar="CONTACT",
            help="External id, e-mail address, phone number, or # and its number; several times for several people.",
        )  # fmt: skip

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            with acting_for(tenant.pk):
                contacts = [find_one(tenant, text) for text in options["contact"]]
            proof = erase(
                tenant, contacts, now=now, actor="command line", dry_run=bool(options.get("dry_run"))
            )  # fmt: skip
        except (NoSuchContact, CannotErase) as error:
            raise CommandError(str(error)) from error
        return {
            "erasure": proof.pk,
            "people": proof.people,
            "state": proof.state,
            "removed": proof.removed,
            "kept": {name: number for name, number in proof.kept.items() if name not in ("leaving", "texts")},
            "hosts": [f"{host}: {at or 'not yet'}" for host, at in hosts.told(proof)],
            "elsewhere": [
                f"{one['name']}: {WHAT_TO_DO[one['what']]}" if one["name"] else WHAT_TO_DO[one["what"]]
                for one in proof.elsewhere
            ],
        }
