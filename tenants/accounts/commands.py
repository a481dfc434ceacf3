"""TenantCommand: what every command over tenants inherits. One tenant with --tenant, all active ones without it."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from tenants.accounts.models import Tenant
from winback.commands import Keys, ReportingCommand, WrongUsage
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)


class TenantCommand(ReportingCommand):
    """A command that does one deed for each tenant and reports its keys.

    Subclasses implement ``handle_tenant``. It runs inside ``acting_for(tenant)``, one transaction a tenant, unless
    ``opens_scope`` is False: long work then opens its own scopes and commits in batches. One pass over all tenants
    together overrides ``handle_tenants`` instead. With --dry-run everything is rolled back at the end, whichever way
    the scopes were opened; work with effects outside the database looks at ``options["dry_run"]`` itself.
    """

    opens_scope = True
    tenant_required = False
    takes_dry_run = True
    money_keys: tuple[str, ...] = ()
    """Keys that hold money as a string, beside ``currency``: added up in the total where the currency is one."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--tenant",
            metavar="SLUG",
            required=self.tenant_required,
            help="The tenant" + ("." if self.tenant_required else "; without it, every active tenant."),
        )

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        """Do the deed for one tenant and return what the report says of it."""
        raise NotImplementedError

    def handle_tenants(self, tenants: Sequence[Tenant], *, options: Keys) -> Iterable[tuple[Tenant, Keys | Exception]]:
        """Each tenant with its keys, or with the error that it met; the others still run."""
        for tenant in tenants:
            try:
                with self.scope(tenant, options):
                    keys = self.handle_tenant(tenant, now=self.now(options, tenant.zone), options=options)
            except WrongUsage:
                raise
            except Exception as error:
                if not isinstance(error, CommandError):
                    logger.exception("%s failed for tenant %s", type(self).__module__, tenant.slug)
                yield tenant, error
            else:
                yield tenant, keys

    @contextmanager
    def scope(self, tenant: Tenant, options: Keys) -> Iterator[None]:
        """The tenant's scope (unless the deed opens its own), undone at the end of a dry run."""
        dry_run = bool(options.get("dry_run"))
        if self.opens_scope:
            with acting_for(tenant.pk):
                yield
                if dry_run:
                    transaction.set_rollback(True)
        elif dry_run:
            with transaction.atomic():
                yield
                transaction.set_rollback(True)
        else:
            yield

    def chosen_tenants(self, options: Keys) -> list[Tenant]:
        slug = options.get("tenant")
        if slug:
            tenant = Tenant.objects.select_related("niche", "plan").filter(slug=slug).first()
            if tenant is None:
                raise WrongUsage(f"There is no tenant {slug!r}.")
            return [tenant]
        active = Tenant.objects.filter(state=Tenant.State.ACTIVE)
        return list(active.select_related("niche", "plan").order_by("slug"))

    def handle(self, *_: Any, **options: Any) -> None:
        tenants = self.chosen_tenants(options)
        results: dict[str, Keys] = {}
        failed: dict[str, Exception] = {}
        for tenant, answer in self.handle_tenants(tenants, options=options):
            if isinstance(answer, Exception):
                failed[tenant.slug] = answer
            else:
                results[tenant.slug] = answer
        self.report(results, failed, options)
        if failed:
            # What went wrong is already logged; this line says for whom, and makes the exit code 1.
            reasons = "; ".join(f"{slug}: {describe(error)}" for slug, error in failed.items())
            raise CommandError(f"Failed for {len(failed)} of {len(tenants)} tenants. {reasons}")

    def report(self, results: dict[str, Keys], failed: dict[str, Exception], options: Keys) -> None:
        shown = results | {slug: {"error": describe(error)} for slug, error in failed.items()}
        single = options.get("tenant")
        if options.get("json"):
            if single:
                self.print_json(next(iter(shown.values())))
            else:
                self.print_json({"tenants": shown, "total": self.total(list(results.values()))})
            return
        for slug, keys in shown.items():
            self.stdout.write(self.style.MIGRATE_HEADING(slug))
            self.print_lines(keys, "  ")
        if not single and len(shown) > 1:
            self.stdout.write(self.style.MIGRATE_HEADING("total"))
            self.print_lines(self.total(list(results.values())), "  ")
        if not shown:
            self.stdout.write("There is no active tenant.")
        if options.get("dry_run"):
            self.stdout.write("Dry run: nothing was kept.")

    def total(self, results: Sequence[Keys]) -> Keys:
        """The keys of all tenants added up; override where adding is wrong."""
        return add_up(results, self.money_keys)


def describe(error: Exception) -> str:
    return str(error) if isinstance(error, CommandError) else f"{type(error).__name__}: {error}"


def add_up(results: Sequence[Mapping[str, Any]], money_keys: tuple[str, ...] = ()) -> Keys:
    """Numbers and nested counts summed, money summed where all share a currency, other values left out."""
    total: Keys = {}
    for key in dict.fromkeys(key for result in results for key in result):
        values = [result[key] for result in results if result.get(key) is not None]
        if key in money_keys:
            total |= _add_up_money(key, results)
        elif values and all(isinstance(value, dict) for value in values):
            total[key] = add_up(values, money_keys)
        elif values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            total[key] = round(sum(values), 3)
        elif key == "currency" and len(set(values)) == 1:
            total[key] = values[0]
    return total


def _add_up_money(key: str, results: Sequence[Mapping[str, Any]]) -> Keys:
    sums: dict[str, Decimal] = {}
    for result in results:
        if isinstance(result.get(key), str):
            currency = str(result.get("currency", ""))
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(result[key])
    if not sums:
        return {}
    if len(sums) == 1:
        return {key: f"{sum(sums.values()):f}"}
    return {f"{key}_by_currency": {currency: f"{amount:f}" for currency, amount in sorted(sums.items())}}
