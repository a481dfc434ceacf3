"""``connect_provider``: see tenants/connections/connecting.py."""

import json
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.activation import activating
from tenants.connections import hooks, probing
from tenants.connections.connecting import connect
from winback.commands import Keys, WrongUsage
from winback.providers.errors import ProviderMisconfigured
from winback.providers.registry import build
from winback.tenancy import acting_for


class Command(TenantCommand):
    help = "Connects a provider to a tenant and asks whether it answers. Credentials are read from standard input."
    how_often = "once for each provider, and when its credentials change."
    tenant_required = True
    opens_scope = False  # the provider is asked outside any transaction

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", choices=["email", "sms"])
        parser.add_argument("provider", help="Such as smtp, anymail, twilio or local.")
        parser.add_argument("--label", default="", help="To tell two connections of one kind apart.")
        parser.add_argument("--options", default="{}", metavar="JSON", help="What is not secret, such as the host.")
        parser.add_argument(
            "--credentials-stdin", action="store_true", help="Read the secrets as a JSON object from standard input."
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        settings = json_object(options["options"], "--options")
        secrets = json_object(sys.stdin.read(), "standard input") if options["credentials_stdin"] else {}
        kind, provider = options["kind"], options["provider"]
        try:
            build(kind, provider, secrets, settings)
        except ProviderMisconfigured as error:
            raise WrongUsage(str(error)) from error
        with acting_for(tenant.pk):
            connection = connect(
                tenant,
                kind=kind,
                provider=provider,
                label=options["label"],
                credentials=secrets,
                options=settings,
                now=now,
                actor="command line",
            )
        changes = activating.look_again(tenant, now=now)
        with acting_for(tenant.pk):
            finding = probing.findings(tenant, now=now)[kind]
        return {
            "connection": connection.pk,
            "kind": kind,
            "provider": provider,
            "state": finding.state,
            "code": finding.code,
            "detail": finding.detail,
            "webhook": hooks.url_of(connection),
            "modules": {change.module_code: change.new for change in changes},
        }


def json_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object in the text, or wrong usage that says where it was expected."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise WrongUsage(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise WrongUsage(f"{where} must be a JSON object.")
    return value
