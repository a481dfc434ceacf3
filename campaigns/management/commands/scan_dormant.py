from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime

from django.core.management.base import CommandParser
from django.db import transaction

from campaigns.audience import dormancy
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Finds the customers who have gone quiet: opens and moves their lapses, closes those that no longer are, draws "
        "the arm of whoever has none yet. Run it as often as you like: a second run changes nothing more."
    )
    how_often = "every hour, unless `manage.py serve` runs, whose scheduler does it; with --full once a week."
    opens_scope = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--full", action="store_true", help="Look at every contact, not only at who is due.")

    def handle_tenants(self, tenants: Sequence[Tenant], *, options: Keys) -> Iterable[tuple[Tenant, Keys | Exception]]:
        dry_run = bool(options.get("dry_run"))
        with alone.regular_work([tenant.pk for tenant in tenants]) as free:
            answers = self._scan([tenant for tenant in tenants if tenant.pk in free], dry_run, options)
        for tenant in tenants:
            answers.setdefault(tenant.pk, alone.BeingSimulated(alone.being_simulated(tenant.slug)))
        return [(tenant, answers[tenant.pk]) for tenant in tenants]

    def _scan(self, tenants: Sequence[Tenant], dry_run: bool, options: Keys) -> dict[int, Keys | Exception]:
        # A bare date is noon of each tenant's own day, so tenants of several zones may need several passes.
        by_moment: dict[datetime, list[Tenant]] = defaultdict(list)
        for tenant in tenants:
            by_moment[self.now(options, tenant.zone)].append(tenant)
        answers: dict[int, Keys | Exception] = {}
        with transaction.atomic() if dry_run else nullcontext(), self.progress("Scanning") as bar:
            for now, together in by_moment.items():
                ids = [tenant.pk for tenant in together]
                try:
                    reports = dormancy.scan_tenants(ids, now=now, full=bool(options.get("full")), progress=bar.move_to)
                    answers |= {tenant_id: asdict(report) for tenant_id, report in reports.items()}
                except dormancy.ScanFailed as failed:
                    answers |= {tenant_id: asdict(report) for tenant_id, report in failed.reports.items()}
                    answers |= failed.failures
            if dry_run:
                transaction.set_rollback(True)
        return answers

    def total(self, results: Sequence[Keys]) -> Keys:
        """One pass over all tenants takes its time once."""
        keys = super().total(results)
        return keys | {"seconds": max((result["seconds"] for result in results), default=0)}
