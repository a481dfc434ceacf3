"""``connect_provider``: see tenants/connections/connecting.py."""

import json
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Brand, Tenant
from tenants.activation import activating
from tenants.connections import hooks, probing, rotating
from tenants.connections.checking import ConnectionRefused
from tenants.connections.connecting import connect
from tenants.connections.limits import LimitsInvalid, check_limits
from tenants.connections.models import Connection
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
        parser.add_argument("--brand", default="", metavar="CODE", help="For this brand alone; without it, for all.")
        parser.add_argument("--priority", type=int, help="The lowest is used first; the next when it is in trouble.")
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="Try new credentials (and --options, where given) for the connection of this label, and keep the old "
            "ones unless the provider answers to the new.",
        )
        parser.add_argument(
            "--credentials-stdin", action="store_true", help="Read the secrets as a JSON object from standard input."
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        settings = json_object(options["options"], "--options")
        secrets = json_object(sys.stdin.read(), "standard input") if options["credentials_stdin"] else {}
        kind, provider = options["kind"], options["provider"]
        try:
            known = type(build(kind, provider, secrets, settings))
            check_limits(settings)
        except (ProviderMisconfigured, LimitsInvalid) as error:
            raise WrongUsage(str(error)) from error
        misplaced = [field.name for field in known.fields if field.secret and field.name in settings]
        if misplaced:
            raise WrongUsage(f"--options: {misplaced[0]} is a secret: give it by --credentials-stdin.")
        if options["rotate"]:
            return self._rotate(tenant, secrets, settings, now=now, options=options)
        with acting_for(tenant.pk):
            connection = connect(
                tenant,
                kind=kind,
                provider=provider,
                label=options["label"],
                credentials=secrets,
                options=settings,
                brand=self._brand(tenant, options["brand"]),
                priority=options["priority"],
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

    def _brand(self, tenant: Tenant, code: str) -> Brand | None:
        brand: Brand | None = Brand.objects.for_tenant(tenant).filter(code=code).first() if code else None
        if code and brand is None:
            raise WrongUsage(f"There is no brand {code!r}.")
        return brand

    def _rotate(
        self, tenant: Tenant, secrets: dict[str, Any], settings: dict[str, Any], *, now: datetime, options: Keys
    ) -> Keys:
        label = options["label"] or options["provider"]
        with acting_for(tenant.pk):
            rows = Connection.objects.for_tenant(tenant).filter(kind=options["kind"], provider=options["provider"])
            connection = rows.filter(label=label).first()
            if connection is None:
                raise WrongUsage(f"There is no {options['kind']} connection {label!r} of {options['provider']}.")
            try:
                rotating.propose(
                    connection,
                    credentials=secrets,
                    options=connection.settings | settings,
                    now=now,
                    actor="command line",
                )
            except ConnectionRefused as error:
                raise WrongUsage(str(error)) from error
        problem = rotating.try_proposed(connection, now=now, actor="command line")
        if problem:
            raise CommandError(f"The old credentials stay: {problem}")
        activating.look_again(tenant, now=now)
        return {"connection": connection.pk, "rotated": True}


def json_object(text: str, where: str) -> dict[str, Any]:
    """The JSON object in the text, or wrong usage that says where it was expected."""
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise WrongUsage(f"{where} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise WrongUsage(f"{where} must be a JSON object.")
    return value
