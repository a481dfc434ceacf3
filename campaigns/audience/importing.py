"""Importing a file: read, check, stage by COPY, merge a batch in one transaction, and go on where a kill left off."""

import csv
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from campaigns.audience.mapping import FileMapping
from campaigns.audience.models import ImportBatch
from campaigns.audience.reading import Row, UnreadableFile, read
from campaigns.audience.records import Rejected, Setting
from tenants.accounts.models import Tenant
from tenants.connections.models import DataEvidence
from tenants.journal.recording import record
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

BATCH_ROWS = 20_000


class NothingKept(Exception):
    """Raised inside the transaction of a dry run to undo it."""


@dataclass
class Merged:
    """What one batch changed, and the rows of it that could not be merged: (line, reason)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: Sequence[tuple[int, str]] = ()


class Kind(Protocol):
    """Contacts or jobs: how a row is read and how a staged batch is merged."""

    name: str

    def prepare(self, row: dict[str, str], setting: Setting) -> Any: ...

    def merge(
        self, cursor: CursorWrapper, tenant: Tenant, staged: list[tuple[int, Any]], *, now: datetime
    ) -> Merged: ...

    def newest(self, cursor: CursorWrapper, tenant: Tenant, *, now: datetime) -> tuple[int, datetime | None]: ...


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


def import_file(
    kind: Kind,
    tenant: Tenant,
    path: Path,
    *,
    now: datetime,
    mapping: FileMapping | None = None,
    mapping_content: Any = None,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a file of contacts or jobs; raises UnreadableFile when it cannot be read at all.

    Every batch is a transaction of its own that also keeps how far it came: a killed import goes on there when the
    same file is imported again. Importing a finished file again merges it again, which changes nothing.
    """
    if dry_run:
        report = ImportReport(0, 0, 0, 0, 0, 0, None)
        try:
            with transaction.atomic():
                batch = _begin(kind, tenant, path, mapping_content, now=now, resume=False)
                report = _run(kind, tenant, path, batch, mapping, now=now, progress=progress)
                raise NothingKept
        except NothingKept:
            return report
    batch = _begin(kind, tenant, path, mapping_content, now=now, resume=True)
    return _run(kind, tenant, path, batch, mapping, now=now, progress=progress)


def _begin(
    kind: Kind, tenant: Tenant, path: Path, mapping_content: Any, *, now: datetime, resume: bool
) -> ImportBatch:
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with acting_for(tenant.pk):
        if resume:
            # One import of a kind at a time for a tenant; a second one waits for a batch, then goes on with its own.
            unfinished: ImportBatch | None = (
                ImportBatch.objects.for_tenant(tenant)
                .filter(kind=kind.name, sha256=digest, mapping=mapping_content or {}, state=ImportBatch.State.RUNNING)
                .order_by("-id")
                .first()
            )
            if unfinished is not None:
                return unfinished
        batch: ImportBatch = ImportBatch.objects.create(
            tenant=tenant,
            kind=kind.name,
            file_name=path.name[:300],
            sha256=digest,
            mapping=mapping_content or {},
            started_at=now,
        )
        batch.rejects_file = str(Path("rejects") / tenant.slug / f"{kind.name}-{batch.pk}.csv")
        batch.save(update_fields=["rejects_file"])
    return batch


def _run(
    kind: Kind,
    tenant: Tenant,
    path: Path,
    batch: ImportBatch,
    mapping: FileMapping | None,
    *,
    now: datetime,
    progress: Callable[[int], None] | None,
) -> ImportReport:
    setting = Setting(tenant.zone, tenant.country, tenant.region, tenant.currency, now)
    skipped: list[int] = []
    rows: Iterator[Row] = read(
        path,
        encoding=mapping.encoding if mapping else None,
        delimiter=mapping.delimiter if mapping else None,
    )
    if mapping is not None:
        rows = mapping.apply(rows, skipped)
    position = 0  # of records, not of lines: a grouped file's records do not stand in the order of their lines
    while chunk := list(islice(rows, BATCH_ROWS)):
        position += len(chunk)
        if position <= batch.line:
            continue  # committed before a kill
        _one_batch(kind, tenant, batch, chunk, setting, position, now=now)
        if progress is not None:
            progress(position)
    with acting_for(tenant.pk), connection.cursor() as cursor:
        number, newest_at = kind.newest(cursor, tenant, now=now)
        DataEvidence.objects.update_or_create(
            tenant=tenant, kind=kind.name, defaults={"rows": number, "newest_at": newest_at, "recorded_at": now}
        )
        batch.state = ImportBatch.State.DONE
        batch.finished_at = now
        batch.skipped = len(skipped)
        batch.save(update_fields=["state", "finished_at", "skipped"])
        record(
            f"audience.{kind.name}_imported",
            tenant_id=tenant.pk,
            now=now,
            subject=batch,
            data={"created": batch.created, "updated": batch.updated, "rejected": batch.rejected},
        )
    rejects = Path(django_settings.WINBACK_HOME) / batch.rejects_file
    return ImportReport(
        rows=batch.rows,
        created=batch.created,
        updated=batch.updated,
        unchanged=batch.unchanged,
        rejected=batch.rejected,
        skipped=len(skipped),
        rejects_file=str(rejects) if batch.rejected else None,
    )


def _one_batch(
    kind: Kind,
    tenant: Tenant,
    batch: ImportBatch,
    chunk: list[Row],
    setting: Setting,
    position: int,
    *,
    now: datetime,
) -> None:
    staged: list[tuple[int, Any]] = []
    refused: list[tuple[int, str]] = []
    originals = dict(chunk)
    for line, row in chunk:
        try:
            staged.append((line, kind.prepare(row, setting)))
        except Rejected as reason:
            refused.append((line, str(reason)))
    with acting_for(tenant.pk), connection.cursor() as cursor:
        # Two imports at once: one merges, the other waits, so that neither sees half of the other's batch.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('winback.import'), %s)", [tenant.pk])
        merged = kind.merge(cursor, tenant, staged, now=now)
        refused += merged.rejected
        refused.sort()
        batch.line = position
        batch.rows += len(chunk)
        batch.created += merged.created
        batch.updated += merged.updated
        batch.unchanged += merged.unchanged
        batch.rejected += len(refused)
        batch.rejects_size = _write_rejects(batch, [(line, why, originals[line]) for line, why in refused])
        batch.save()


def _write_rejects(batch: ImportBatch, refused: list[tuple[int, str, dict[str, str]]]) -> int:
    """Append to the rejects file behind what is committed; returns its size."""
    if not refused:
        return batch.rejects_size
    path = Path(django_settings.WINBACK_HOME) / batch.rejects_file
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [name for name in refused[0][2] if not name.startswith("\0")]
    with path.open("r+" if path.exists() else "w+", encoding="utf-8", newline="") as file:
        file.truncate(batch.rejects_size)  # what a killed batch had written
        file.seek(batch.rejects_size)
        writer = csv.writer(file)
        if batch.rejects_size == 0:
            writer.writerow(["line", "reason", *columns])
        for line, why, row in refused:
            writer.writerow([line, _harmless(why), *(_harmless(row.get(name, "")) for name in columns)])
        file.flush()
        return file.tell()


def _harmless(text: str) -> str:
    """Text that a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
