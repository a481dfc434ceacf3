"""``check_message``: see tenants/connections/domains.py."""

import sys
from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.connections import domains
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = "Checks a message as it was received: DKIM, alignment with From, one-click headers under the signature."
    how_often = "once for each sending domain, and when its provider or its signing changes."
    tenant_required = True
    opens_scope = False
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", help="The message with all its headers, as .eml; - for standard input.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        name = options["file"]
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise WrongUsage(f"{name} cannot be read: {error.strerror}.") from error
        try:
            row, found = domains.check_message(tenant, raw, now=now)
        except domains.NoDomain as error:
            raise WrongUsage(str(error)) from error
        if found.undecided:
            raise CommandError(found.undecided)
        return {
            "domain": row.domain,
            "state": row.message_state,
            "signed_by": row.message_facts["signed_by"],
            "findings": {finding.code: finding.sentence for finding in found.findings},
        }
