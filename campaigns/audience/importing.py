"""Importing a file: read, check, stage by COPY, merge a batch in one transaction, and go on where a kill left off."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from campaigns.audience import addresses, consent, duplicates, erased, import_batches, naming, rejecting
from campaigns.audience.import_kinds import Kind
from campaigns.audience.mapping import FileMapping, Record
from campaigns.audience.models import ImportBatch
from campaigns.audience.reading import Row, UnreadableFile, opened
from campaigns.audience.values import Rejected, Setting
from tenants.accounts.models import Tenant
from winback.tenancy import acting_for

BATCH_ROWS = 20_000


class NothingKept(Exception):
    """Raised inside the transaction of a dry run to undo it."""


@dataclass
class ImportReport:
    """What an import did; ``rejects_file`` is None when every row was taken."""

    rows: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    skipped: int
    rejects_file: str | None
    consents_to_come: int = 0
    """Permissions on file that are dated after the day of a replay, and do not hold until theirs."""


@dataclass(frozen=True)
class _Work:
    """One file on its way into one tenant."""

    kind: Kind
    tenant: Tenant
    path: Path
    batch: ImportBatch
    mapping: FileMapping | None
    setting: Setting
    now: datetime
    written: dict[str, str]
    last_lines: dict[str, int]
    many: bool = False

    def records(self, skipped: list[int], *, only: frozenset[str] | None = None) -> Generator[Record]:
        """The file's records, from its beginning; the lines that the mapping leaves out are put into ``skipped``.

        ``only``: the columns that will be looked at, where a mapping does not need the others.
        """
        with opened(
            self.path,
            encoding=self.mapping.encoding if self.mapping else None,
            delimiter=self.mapping.delimiter if self.mapping else None,
            only=only if self.mapping is None else None,
        ) as table:
            self.written.update(table.written)
            self.require_columns(table.header)
            if self.mapping is not None:
                yield from self.mapping.apply(table, skipped)
            else:
                for row in table.rows:
                    yield *row, (row,)

    def require_columns(self, header: list[str]) -> None:
        columns = set(header) | set(self.mapping.columns if self.mapping else ())
        for any_of in self.kind.needs:
            if not any_of & columns:
                raise UnreadableFile(
                    f"{self.path.name} has no column {' or '.join(sorted(any_of))}. Its columns: "
                    f"{', '.join(name for name in header if name)}. A mapping can say which of them is meant."
                )

    def key_of(self, row: dict[str, str]) -> str | None:
        try:
            return self.kind.key(self.kind.prepare(row, self.setting))
        except Rejected:
            return None


def import_file(
    kind: Kind,
    tenant: Tenant,
    path: Path,
    *,
    now: datetime,
    read_at: datetime | None = None,
    mapping: FileMapping | None = None,
    mapping_content: Any = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a file of contacts or jobs; raises UnreadableFile when it cannot be read (any further).

    Every batch is a transaction of its own that also keeps how far it came: an import that was killed goes on there
    when the same file is imported again, and one that is still running is joined. Importing a finished file again
    merges it again, which changes nothing.

    ``read_at``: the clock's time, where ``now`` is not (a replay). Facts dated between the two are kept: each holds
    from its own moment on.
    """
    addresses.address_hmac("")  # the installation's key is made, if it must be, before any transaction that may fail
    content = mapping_content or {}
    report = ImportReport(0, 0, 0, 0, 0, 0, None)
    if dry_run:
        try:
            with transaction.atomic():
                batch = import_batches.begin_dry_run(kind.name, tenant, path, content, now=now)
                report = _run(_work(kind, tenant, path, batch, mapping, now, read_at), progress)
                raise NothingKept
        except NothingKept:
            return report
    batch, resumed = import_batches.begin(kind.name, tenant, path, content, now=now)
    try:
        return _run(_work(kind, tenant, path, batch, mapping, now, read_at), progress, resumed=resumed)
    except Exception as error:
        with acting_for(tenant.pk), connection.cursor() as cursor:
            import_batches.lock(cursor, tenant)
            if import_batches.fail(batch, error):
                kind.catch_up(cursor, tenant)
        raise


def _work(
    kind: Kind,
    tenant: Tenant,
    path: Path,
    batch: ImportBatch,
    mapping: FileMapping | None,
    now: datetime,
    read_at: datetime | None,
) -> _Work:
    setting = Setting(tenant.zone, tenant.country, tenant.region, tenant.currency, max(now, read_at or now))
    return _Work(kind, tenant, path, batch, mapping, setting, now, {}, {})


def _run(work: _Work, progress: Callable[[int], None] | None, *, resumed: bool = False) -> ImportReport:
    batch, kind, tenant = work.batch, work.kind, work.tenant
    skipped: list[int] = []
    put_off = False
    with closing(work.records(skipped)) as records:
        chunk = list(islice(records, BATCH_ROWS))
        following = list(islice(records, 1))
        if following:
            last = duplicates.last_lines(
                lambda: work.records([], only=kind.key_columns),
                lambda: work.records([]),
                kind.rough_key,
                work.key_of,
            )
            work = replace(work, many=True, last_lines=last)
        position = 0  # of records, not of lines: a grouped file's records do not stand in the order of their lines
        rest = chain(following, records)
        while chunk:
            position += len(chunk)
            if position > batch.line:
                begun = max(batch.line - position + len(chunk), 0)
                put_off |= _one_batch(work, chunk[begun:], position)
            if progress is not None:
                progress(position)
            chunk = list(islice(rest, BATCH_ROWS))
    with acting_for(tenant.pk), connection.cursor() as cursor:
        import_batches.lock(cursor, tenant)
        if resumed or put_off or import_batches.another_runs(batch):
            kind.catch_up(cursor, tenant)
            import_batches.close_killed(batch, now=work.now)
        import_batches.finish(batch, kind.newest(cursor, tenant, now=work.now), now=work.now, skipped=len(skipped))
        is_replay = kind.name == "contacts" and work.setting.read_at > work.now
        to_come = consent.number_to_come(tenant, now=work.now) if is_replay else 0
    return ImportReport(
        rows=batch.rows,
        created=batch.created,
        updated=batch.updated,
        unchanged=batch.unchanged,
        rejected=batch.rejected,
        skipped=len(skipped),
        rejects_file=str(import_batches.rejects_path(batch)) if batch.rejected else None,
        consents_to_come=to_come,
    )


def _one_batch(work: _Work, chunk: list[Record], position: int) -> bool:
    """Merge one batch; whether something of it was put off."""
    batch, kind = work.batch, work.kind
    # Of rows that mean the same record the last valid one is staged; the others are superseded, and counted unchanged.
    staged: dict[str, tuple[int, Any]] = {}
    refused: list[tuple[int, str]] = []
    for line, row, _ in chunk:
        try:
            prepared = kind.prepare(row, work.setting)
        except Rejected as reason:
            refused.append((line, str(reason)))
            continue
        key = kind.key(prepared)
        if work.last_lines.get(key, line) == line:
            staged[key] = (line, prepared)
    superseded = len(chunk) - len(refused) - len(staged)
    with acting_for(work.tenant.pk), connection.cursor() as cursor:
        # Two imports at once: one merges, the other waits, so that neither sees half of the other's batch.
        import_batches.lock(cursor, work.tenant)
        batch.refresh_from_db()
        if batch.line >= position:
            return False  # another process imports the same file, and was here first
        merged = kind.merge(
            cursor,
            work.tenant,
            sorted(staged.values(), key=lambda each: each[0]),
            now=work.now,
            before=batch.created,
            many=work.many,
        )
        refused += merged.rejected
        batch.line = position
        batch.rows += len(chunk)
        batch.created += merged.created
        batch.updated += merged.updated
        batch.unchanged += merged.unchanged + superseded
        batch.rejected += len(refused)
        if refused:
            sources = {line: rows for line, _, rows in chunk}
            headings = work.mapping.headings(work.written) if work.mapping else {}
            batch.rejects_size = rejecting.append(
                import_batches.rejects_path(batch),
                work.written,
                [
                    (line, naming.in_words(why, kind.name, headings), _shown(why, sources[line]))
                    for line, why in sorted(refused)
                ],
                size=batch.rejects_size,
            )
        batch.save()
    return merged.put_off


def _shown(why: str, rows: Sequence[Row]) -> Sequence[Row]:
    """The cells of a row that is not taken; of somebody who was erased only its line."""
    return [(line, {}) for line, _ in rows] if why.startswith(erased.ERASED) else rows
