"""The record of each import: begun, joined or taken up again, failed, finished."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from campaigns.audience.models import ImportBatch
from campaigns.audience.reading import UnreadableFile
from tenants.accounts.models import Tenant
from tenants.connections.models import DataEvidence
from tenants.journal.recording import record
from winback.tenancy import acting_for

_UNFINISHED = [ImportBatch.State.RUNNING, ImportBatch.State.FAILED]


def begin(kind: str, tenant: Tenant, path: Path, mapping: Any, *, now: datetime) -> tuple[ImportBatch, bool]:
    """The import of this file, and whether it was begun before and not finished."""
    digest = _digest(path)
    with acting_for(tenant.pk):
        unfinished: ImportBatch | None = (
            ImportBatch.objects.for_tenant(tenant)
            .filter(kind=kind, sha256=digest, mapping=mapping, state__in=_UNFINISHED)
            .order_by("-id")
            .first()
        )
        if unfinished is not None:
            ImportBatch.objects.for_tenant(tenant).filter(pk=unfinished.pk).update(
                state=ImportBatch.State.RUNNING, error=""
            )
            unfinished.state, unfinished.error = ImportBatch.State.RUNNING, ""
            return unfinished, True
        batch = _make(kind, tenant, path, digest, mapping, now=now)
        batch.rejects_file = str(Path("rejects") / tenant.slug / f"{kind}-{batch.pk}.csv")
        batch.save(update_fields=["rejects_file"])
    return batch, False


def begin_dry_run(kind: str, tenant: Tenant, path: Path, mapping: Any, *, now: datetime) -> ImportBatch:
    """An import of which nothing is kept but its rejects file, which the next dry run overwrites."""
    digest = _digest(path)
    with acting_for(tenant.pk):
        batch = _make(kind, tenant, path, digest, mapping, now=now)
    batch.rejects_file = str(Path("rejects") / tenant.slug / f"{kind}-dry-run.csv")
    batch.save(update_fields=["rejects_file"])
    return batch


def _make(kind: str, tenant: Tenant, path: Path, digest: str, mapping: Any, *, now: datetime) -> ImportBatch:
    batch: ImportBatch = ImportBatch.objects.create(
        tenant=tenant, kind=kind, file_name=path.name[:300], sha256=digest, mapping=mapping, started_at=now
    )
    return batch


def _digest(path: Path) -> str:
    if not path.is_file():
        raise UnreadableFile(f"There is no file {path}.")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rejects_path(batch: ImportBatch) -> Path:
    """Where the rows that are not taken are written."""
    return Path(settings.WINBACK_HOME) / batch.rejects_file


def lock(cursor: CursorWrapper, tenant: Tenant) -> None:
    """Let no other import of the tenant merge until the transaction ends."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('winback.import'), %s)", [tenant.pk])


def another_runs(batch: ImportBatch) -> bool:
    """Whether another import of this kind was killed (or runs now) after it had written something."""
    running = ImportBatch.objects.for_tenant(batch.tenant_id).filter(
        kind=batch.kind, state=ImportBatch.State.RUNNING, line__gt=0
    )
    return bool(running.exclude(pk=batch.pk).exists())


def close_killed(batch: ImportBatch, *, now: datetime) -> None:
    """What a killed import left undone is done: it counts as failed, unless it may still be running."""
    ImportBatch.objects.for_tenant(batch.tenant_id).filter(
        kind=batch.kind, state=ImportBatch.State.RUNNING, started_at__lt=now - timedelta(days=1)
    ).exclude(pk=batch.pk).update(state=ImportBatch.State.FAILED, error="It was cut off: import the file again.")


def fail(batch: ImportBatch, error: Exception) -> bool:
    """Keep why an import ended early, and say whether it had committed anything.

    That stays, and the next import of the same file goes on there.
    """
    mine = ImportBatch.objects.for_tenant(batch.tenant_id).filter(pk=batch.pk, state=ImportBatch.State.RUNNING)
    failed = mine.update(state=ImportBatch.State.FAILED, error=f"{type(error).__name__}: {error}"[:2_000])
    return bool(failed and ImportBatch.objects.for_tenant(batch.tenant_id).filter(pk=batch.pk, line__gt=0).exists())


def finish(batch: ImportBatch, newest: tuple[int, datetime | None], *, now: datetime, skipped: int) -> None:
    """Note the import as done, and what data the tenant now has (once, if two processes imported it together)."""
    batch.refresh_from_db()
    if batch.state == ImportBatch.State.DONE:
        return
    batch.state = ImportBatch.State.DONE
    batch.finished_at = now
    batch.skipped = skipped
    batch.save(update_fields=["state", "finished_at", "skipped"])
    rows, newest_at = newest
    DataEvidence.objects.update_or_create(
        tenant_id=batch.tenant_id,
        kind=batch.kind,
        defaults={"rows": rows, "newest_at": newest_at, "recorded_at": now},
    )
    record(
        f"audience.{batch.kind}_imported",
        tenant_id=batch.tenant_id,
        now=now,
        subject=batch,
        data={"created": batch.created, "updated": batch.updated, "rejected": batch.rejected},
    )
