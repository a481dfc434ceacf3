"""``send_test``: see campaigns/operating/connection_tries.py."""

from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating import connection_tries
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.connections.connecting import active_connection
from tenants.connections.models import Connection
from tenants.journal.models import Task
from winback.commands import Keys, WrongUsage
from winback.tenancy import acting_for

_NAMES = {"email": "e-mail", "sms": "text"}


class Command(TenantCommand):
    help = (
        "Sends a test through a connection: an e-mail to a member of the team, or a text to a phone whose owner "
        "expects it. Run it once a provider is connected, and after a change of its settings."
    )
    tenant_required = True
    opens_scope = False  # the provider is called outside any transaction
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("to", metavar="TO", help="The e-mail address of a member of the team, or a phone number.")
        super().add_arguments(parser)
        parser.add_argument(
            "--connection", default="", metavar="LABEL", help="Through this one; without it, through the first in use."
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        to = options["to"]
        kind = "email" if "@" in to else "sms"
        try:
            with acting_for(tenant.pk):
                connection = self._connection(tenant, kind, options["connection"])
                task = connection_tries.ask(connection, to, now=now, actor="command line")
        except connection_tries.NotANumber as error:
            raise WrongUsage(str(error)) from error
        except connection_tries.NoTestThere as error:
            raise CommandError(str(error)) from error
        done = connection_tries.carry_out(tenant, task.pk, now=now)
        if done.state != Task.State.DONE:
            raise CommandError(done.error or "Somebody else took the test up, or cancelled it.")
        return {"sent": True, "connection": connection.label, "kind": kind, "provider": connection.provider}

    def _connection(self, tenant: Tenant, kind: str, label: str) -> Connection:
        rows = Connection.objects.for_tenant(tenant).filter(kind=kind)
        found: Connection | None = rows.filter(label=label).first() if label else active_connection(tenant, kind)
        if found is not None:
            return found
        if not label:
            raise CommandError(f"No {_NAMES[kind]} connection is in use: connect one with connect_provider {kind} ….")
        known = ", ".join(rows.order_by("label").values_list("label", flat=True)) or "none"
        raise WrongUsage(f"There is no {_NAMES[kind]} connection {label!r}; there are: {known}.")
