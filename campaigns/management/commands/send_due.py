from collections import Counter
from datetime import datetime
from time import monotonic
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from campaigns.delivery import sending
from campaigns.operating import jobs
from campaigns.tracking import applying, thread_outbox
from tenants.accounts import alone
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys
from winback.progress import Progress
from winback.queues import enqueue


class Command(TenantCommand):
    help = "Claims the messages that are due and sends them, in this process (--enqueue: in the RQ workers)."
    how_often = "every minute, unless `manage.py serve` runs, whose scheduler does it."
    opens_scope = False

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--limit", type=int, metavar="N", help="At most this many messages a tenant.")
        parser.add_argument("--enqueue", action="store_true", help="Hand the work to RQ workers and return.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        if options.get("enqueue"):
            enqueue(jobs.send_tenant, tenant_id=None, unique=f"send-{tenant.pk}-0", tenant=tenant.pk)
            return {"enqueued": 1}
        started = monotonic()
        progress = self.progress(f"Sending for {tenant.slug}")
        with alone.working(tenant.pk, tenant.slug), progress:
            counts: dict[str, Any] = self._send(tenant, now, options, progress)
        return {"sent": counts.pop("handed_over"), **counts, "seconds": round(monotonic() - started, 3)}

    def _send(self, tenant: Tenant, now: datetime, options: Keys, progress: Progress) -> dict[str, int]:
        """Send until nothing is due, by the moment given or by a clock that goes on while a slow provider works."""
        live = not options.get("as_of") and not options.get("dry_run")
        limit: int | None = options.get("limit")
        counts: Counter[str] = Counter(dict.fromkeys(sending.STATES, 0))
        while True:
            done, begun = counts.total(), monotonic()
            # Whoever said no to the provider in the meantime must be known before anything is claimed.
            applying.apply(tenant, now=now, ask=not options.get("dry_run"))
            if not options.get("dry_run"):
                thread_outbox.send_due(tenant, now=now)  # whoever wrote goes before whoever did not
            counts.update(
                sending.send_due(
                    tenant,
                    now=now,
                    limit=None if limit is None else limit - done,
                    deliver=not options.get("dry_run"),
                    for_seconds=sending.RUN_SECONDS if live else None,
                    progress=lambda number, done=done: progress.move_to(done + number),  # type: ignore[misc]
                )
            )
            in_time = monotonic() - begun < sending.RUN_SECONDS
            if not live or in_time or (limit is not None and counts.total() >= limit):
                return dict(counts)
            now = timezone.now()
