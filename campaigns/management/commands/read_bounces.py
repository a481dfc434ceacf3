from datetime import datetime
from pathlib import Path

from django.core.management.base import CommandParser

from campaigns.tracking import applying, return_mailbox
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class Command(TenantCommand):
    help = (
        "Reads bounces and complaints that came back as mail, from the IMAP mailboxes of the SMTP connections or from "
        "a maildir, and applies them. A maildir is emptied; an IMAP mailbox keeps its mail, marked as read."
    )
    how_often = "every five minutes, unless `manage.py serve` runs, whose workers do it for IMAP mailboxes."
    tenant_required = True
    opens_scope = False
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--maildir", metavar="DIR", help="A maildir to read instead of the IMAP mailboxes.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        with alone.working(tenant.pk, tenant.slug):
            return self._read(tenant, now=now, options=options)

    def _read(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        if not options.get("maildir"):
            read, kept = return_mailbox.read_mailboxes(tenant, now=now)
            return {"read": read, "kept": kept}
        folder = Path(options["maildir"])
        if not (folder / "new").is_dir():
            raise WrongUsage(f"{folder} is no maildir: it has no folder “new”.")
        connections = return_mailbox.smtp_connections(tenant)
        if not connections:
            raise WrongUsage(f"{tenant.slug} has no SMTP connection, so nothing of it can come back as mail.")
        read, kept = return_mailbox.read_maildir(connections[0], folder, now=now)
        done = applying.apply(tenant, now=now)
        return {"read": read, "kept": kept, "applied": done.applied, "ignored": done.ignored}
