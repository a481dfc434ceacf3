"""The scan: who has gone quiet. Opens lapses, moves them through the cohorts, and closes those that no longer are.

One pass over all tenants, in statements over sets, a batch of due contacts a transaction: its cost is in proportion to
what is due (``contact_stat.next_scan_at``), not to how many contacts there are. A scan that was killed, or ran beside
another, leaves nothing that the next one does not complete.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.audience import assigning, dormancy_changes, dormancy_facts, dormancy_rules, stats, tagging
from campaigns.audience.dormancy_rules import Rules
from campaigns.audience.dormancy_tally import Batch, ScanReport, Tally
from tenants.accounts.models import Tenant
from winback import statistics
from winback.tenancy import acting_for, acting_for_all

logger = logging.getLogger(__name__)

BATCH = 50_000
MANY = 1_000
"""From so many due contacts on it pays to look whether PostgreSQL knows how large the tables are."""
SMALL_SAMPLES = "SET LOCAL default_statistics_target = 10"


class ScanFailed(RuntimeError):
    """The scan of some tenants failed; ``reports`` has the others, which were scanned."""

    def __init__(self, reports: dict[int, ScanReport], failures: dict[int, Exception]) -> None:
        super().__init__("; ".join(f"tenant {tenant_id}: {error}" for tenant_id, error in failures.items()))
        self.reports = reports
        self.failures = failures


def scan(
    *,
    now: datetime,
    tenant: Tenant | None = None,
    full: bool = False,
    progress: Callable[[int], None] | None = None,
) -> dict[int, ScanReport]:
    """Scan one tenant, or all active ones in one pass; returns a report for each, by its id.

    ``full`` looks at every contact, not only at those that are due; after an ordinary scan it changes nothing. Opens
    its own scopes. Raises ScanFailed when a tenant's scan fails, after the others have been scanned.
    """
    if tenant is not None:
        return scan_tenants([tenant.pk], now=now, full=full, progress=progress)
    active = Tenant.objects.filter(state=Tenant.State.ACTIVE).order_by("pk").values_list("pk", flat=True)
    return scan_tenants(list(active), now=now, full=full, progress=progress)


def scan_tenants(
    tenant_ids: Sequence[int], *, now: datetime, full: bool = False, progress: Callable[[int], None] | None = None
) -> dict[int, ScanReport]:
    """Scan these tenants in one pass; when that fails, one by one, so that only the broken ones fail."""
    if not tenant_ids:
        return {}
    started = monotonic()
    tally = Tally(progress)
    failures: dict[int, Exception] = {}
    try:
        _Pass(tenant_ids, now, tally).run(full=full)
    except Exception as error:
        if len(tenant_ids) == 1:
            failures[tenant_ids[0]] = error
        else:
            logger.exception("The scan of %s tenants together failed; they are scanned one by one", len(tenant_ids))
            for tenant_id in tenant_ids:
                try:
                    _Pass([tenant_id], now, tally).run(full=full)
                except Exception as failure:
                    logger.exception("The scan failed for tenant %s", tenant_id)
                    failures[tenant_id] = failure
    seconds = round(monotonic() - started, 3)
    reports = {tenant_id: tally.report(tenant_id, seconds) for tenant_id in tenant_ids if tenant_id not in failures}
    if failures:
        raise ScanFailed(reports, failures) from next(iter(failures.values()))
    return reports


class _Pass:
    """One pass over some tenants, as of one moment."""

    def __init__(self, tenant_ids: Sequence[int], now: datetime, tally: Tally) -> None:
        self.tenant_ids = list(tenant_ids)
        self.now = now
        self.tally = tally
        self.values: dict[str, Any] = {"now": now, "tenants": self.tenant_ids, "limit": BATCH, "dirty": stats.DIRTY}
        self.values["passed_over"] = []
        self.rules: dict[int, Rules] = {}

    def run(self, *, full: bool) -> None:
        with self._transaction() as cursor:
            self.rules = dormancy_rules.load(cursor, self.tenant_ids)
        changed = [rules for rules in self.rules.values() if rules.changed]
        self.tally.cohorts |= {rules.tenant_id: rules.cohorts for rules in self.rules.values()}
        suspects = list(self.rules) if full else [rules.tenant_id for rules in changed]
        if suspects:
            self._find_missed(suspects, count=full, expected={rules.tenant_id for rules in changed})
        while self._scan_due():
            pass
        self._assign(suspects)
        if changed:
            with self._transaction() as cursor:
                dormancy_rules.remember(cursor, changed, now=self.now)

    @contextmanager
    def _transaction(self) -> Iterator[CursorWrapper]:
        scope = acting_for(*self.tenant_ids) if len(self.tenant_ids) == 1 else acting_for_all("scan of every tenant")
        with scope, connection.cursor() as cursor:
            # Compiling a statement that is run once costs more than it saves; small samples of a batch will do.
            cursor.execute(f"SET LOCAL jit = off; {SMALL_SAMPLES}")
            yield cursor

    def _scan_due(self) -> bool:
        """One batch of due contacts in one transaction; says whether there may be more."""
        with self._transaction() as cursor:
            cursor.execute(dormancy_facts.TABLES)
            cursor.execute(dormancy_facts.PICK_DUE, self.values)
            picked = int(cursor.rowcount)
            if not picked:
                return False
            if picked >= MANY:
                self._keep_up(cursor)
            cursor.execute("ANALYZE scan_looked")
            cursor.execute(dormancy_facts.LEAVE_HELD)
            self.values["passed_over"] += [contact_id for (contact_id,) in cursor.fetchall()]
            batch = self._judge(cursor)
            if batch.changes:
                self._change(cursor, batch)
            cursor.execute(dormancy_changes.STORE)
        self.tally.add_batch(batch)
        return picked == BATCH

    def _keep_up(self, cursor: CursorWrapper) -> None:
        """What an earlier batch opened, PostgreSQL may know nothing of: it would read all of it for each contact."""
        cursor.execute("SET LOCAL default_statistics_target TO DEFAULT")
        statistics.keep_up()
        cursor.execute(SMALL_SAMPLES)

    def _judge(self, cursor: CursorWrapper) -> Batch:
        cursor.execute("SELECT DISTINCT tenant_id FROM scan_looked")
        looked = [tenant_id for (tenant_id,) in cursor.fetchall()]
        dormancy_rules.lay_out(cursor, (self.rules[tenant_id] for tenant_id in looked), now=self.now)
        cursor.execute(dormancy_facts.JUDGE, self.values)
        cursor.execute("ANALYZE scan_judged")
        return self._sum_up(cursor)

    def _sum_up(self, cursor: CursorWrapper) -> Batch:
        cursor.execute(dormancy_facts.SUM_UP)
        return Batch(cursor.fetchall())

    def _change(self, cursor: CursorWrapper, batch: Batch) -> None:
        def changed(statement: str) -> list[Any]:
            cursor.execute(statement, self.values)
            return list(cursor.fetchall())

        if batch.closes:
            batch.add("closed", changed(dormancy_changes.CLOSE))
        if batch.opens:
            batch.add_opened(changed(dormancy_changes.OPEN))
            batch.add_opened(changed(dormancy_changes.REOPEN))
        if batch.moves:
            batch.add("moved", changed(dormancy_changes.MOVE))
        if batch.gives_up:
            batch.add("closed", changed(dormancy_changes.GIVE_UP))
        cursor.execute(tagging.COHORTS)
        cursor.execute(dormancy_changes.WANTED_TAGS, {"prefix": tagging.MANAGED})
        tagging.follow_cohorts(cursor, now=self.now)
        if batch.opens:
            assigning.draw_opened(cursor, now=self.now)
            batch.add("held_out", changed(dormancy_changes.HELD_OUT))

    def _find_missed(self, tenant_ids: list[int], *, count: bool, expected: set[int]) -> None:
        """Make due, of the contacts whose time has not come, those for which another answer is stored.

        There are some when a tenant's settings have changed; else something did not pull ``next_scan_at`` forward.
        """
        values = self.values | {"tenants": tenant_ids, "last_of_all": max(tenant_ids)}
        values |= {"last_tenant": min(tenant_ids), "last_contact": 0}
        while True:
            with self._transaction() as cursor:
                cursor.execute(dormancy_facts.TABLES)
                cursor.execute(dormancy_facts.PICK_NOT_DUE, values)
                picked = cursor.rowcount
                if not picked:
                    return
                cursor.execute("ANALYZE scan_looked")
                self._judge(cursor)
                cursor.execute("SELECT tenant_id, contact_id FROM scan_looked ORDER BY 1 DESC, 2 DESC LIMIT 1")
                values["last_tenant"], values["last_contact"] = cursor.fetchone()
                cursor.execute(dormancy_facts.FIND_MISSED, values)
                missed = dict(cursor.fetchall())
                settled = self._sum_up(cursor)
            if count:
                self.tally.add_batch(settled)
            for tenant_id in missed.keys() - expected:
                logger.warning("Tenant %s: %s contacts were not due and should have been", tenant_id, missed[tenant_id])
            if picked < BATCH:
                return

    def _assign(self, suspects: list[int]) -> None:
        """Fix shares that wait for the number of dormant contacts, then draw for whoever has no arm yet."""
        with self._transaction() as cursor:
            fixed = assigning.fix_shares(cursor, self.tenant_ids, now=self.now)
            assigning.draw_all_open(cursor, sorted({*suspects, *fixed}), now=self.now)
            if fixed:
                cursor.execute(dormancy_changes.HELD_OUT_OPENED_NOW, self.values | {"tenants": fixed})
                self.tally.add("held_out", cursor.fetchall())
