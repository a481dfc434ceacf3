import os
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import evidence
from campaigns.operating.explaining import NoSuchContact, find_contact
from campaigns.planning.models import Campaign
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.journal import audit
from winback.commands import Keys
from winback.tenancy import acting_for


class Command(TenantCommand):
    help = (
        "Writes everything on file about why one contact, or each contact of one campaign, was written to or was not: "
        "verdicts with rule, version and facts, consent, suppressions, digests of the words. Run it when somebody asks "
        "for proof. FILE ends in .jsonl or .csv."
    )
    how_often = "when somebody asks for proof."
    tenant_required = True
    takes_dry_run = False
    opens_scope = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="Where to: .jsonl (JSON lines) or .csv.")
        super().add_arguments(parser)
        about = parser.add_mutually_exclusive_group(required=True)
        about.add_argument("--contact", help="External id, e-mail address or phone number.")
        about.add_argument("--campaign", help="The campaign's code.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        path: Path = options["file"]
        file_format = path.suffix.removeprefix(".")
        if file_format not in evidence.FORMATS:
            raise CommandError(f"{path.name}: the file must end in .jsonl or .csv.")
        contact = campaign = None
        with acting_for(tenant.pk):
            if options["contact"]:
                try:
                    contact = find_contact(tenant, options["contact"])
                except NoSuchContact as error:
                    raise CommandError(str(error)) from error
            else:
                campaign = Campaign.objects.for_tenant(tenant).filter(code=options["campaign"]).first()
                if campaign is None:
                    raise CommandError(f"There is no campaign {options['campaign']!r}: `campaigns` lists them.")
            audit.append(
                tenant.pk, actor="command line", action="evidence.exported", now=now, subject=contact or campaign
            )
        rows = 0
        # People's data: for the owner of the file alone.
        with open(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            for text in evidence.written(
                evidence.lines(tenant, now=now, contact=contact, campaign=campaign), file_format
            ):
                file.write(text)
                rows += 1
        return {"rows": rows, "file": str(path)}
