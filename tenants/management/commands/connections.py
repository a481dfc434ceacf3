"""``connections``: see tenants/activation/depending.py."""

from datetime import datetime

from django.core.management.base import CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.activation import depending
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.commands import Keys, WrongUsage
from winback.providers import registry

ACTOR = "command line"


class Command(TenantCommand):
    help = (
        "Lists the connections of a tenant in the order in which they are used; --pause, --resume and --first change "
        "one. Run it whenever you like: through one that is paused nothing leaves, and the next of its kind takes over."
    )
    tenant_required = True
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--pause", metavar="LABEL", help="Let nothing leave through it until it is resumed.")
        one.add_argument("--resume", metavar="LABEL", help="Use it again, whoever or whatever stopped it.")
        one.add_argument("--first", metavar="LABEL", help="Use it before the others of its kind.")
        parser.add_argument("--kind", choices=list(registry.KINDS), help="Where two kinds have one of this label.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        if options.get("pause"):
            depending.pause(self._find(tenant, options["pause"], options), now=now, actor=ACTOR)
        if options.get("resume"):
            depending.resume(self._find(tenant, options["resume"], options), now=now, actor=ACTOR)
        if options.get("first"):
            first = self._find(tenant, options["first"], options)
            others = connecting.in_order(tenant, first.kind).exclude(pk=first.pk)
            keys = [first.pk, *others.values_list("pk", flat=True)]
            depending.arrange(tenant, first.kind, keys, now=now, actor=ACTOR)
        return {kind: self._listed(tenant, kind) for kind in registry.KINDS}

    def _listed(self, tenant: Tenant, kind: str) -> Keys:
        return {
            row.label: {
                "provider": row.provider,
                "state": row.state,
                "reason": row.paused_reason,
                "brand": row.brand.code if row.brand is not None else None,
            }
            for row in connecting.in_order(tenant, kind).select_related("brand")
        }

    def _find(self, tenant: Tenant, label: str, options: Keys) -> Connection:
        rows = Connection.objects.for_tenant(tenant).filter(label=label)
        found = list((rows.filter(kind=options["kind"]) if options.get("kind") else rows)[:2])
        if len(found) == 1:
            return found[0]
        if found:
            raise WrongUsage(f"{label!r} is there for e-mail and for texts: say --kind email or --kind sms.")
        every = Connection.objects.for_tenant(tenant).order_by("kind", "label").values_list("label", flat=True)
        raise WrongUsage(f"{tenant.slug} has no connection {label!r}; there are: {', '.join(every) or 'none'}.")
