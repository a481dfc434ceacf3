import os
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import exporting
from campaigns.operating.explaining import NoSuchContact
from campaigns.operating.joining import find_one
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Writes everything that is held on one person into one JSON file, for them to have: what they bought, agreed "
        "to, were sent and answered, and every act on record. Run it when a person asks what you hold."
    )
    how_often = "when a person asks."
    tenant_required = True
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="Where to; only its owner may read it.")
        super().add_arguments(parser)
        parser.add_argument(
            "--contact", required=True, help="External id, e-mail address, phone number, or # and its number."
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            contact = find_one(tenant, options["contact"])
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        path: Path = options["file"]
        told = exporting.export(tenant, contact, now=now)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(exporting.written(told))
        audit.append(tenant.pk, actor="command line", action="contact.exported", now=now, subject=contact)
        return {"file": str(path)} | {name: len(rows) for name, rows in told.items() if isinstance(rows, list)}
