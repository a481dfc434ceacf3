"""Files that are brought to the console: kept with their task, until somebody has said what their columns are and a
worker, on whichever host, has imported them. What was brought is not kept."""

import base64
import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.db.models import Q, QuerySet

from campaigns.audience.import_kinds import Kind
from campaigns.audience.importing import ImportReport, import_file
from campaigns.audience.importing_contacts import Contacts
from campaigns.audience.importing_jobs import NOBODY, Jobs
from campaigns.audience.job_records import JobRecord
from campaigns.audience.mapping import read_mapping
from campaigns.audience.models import Contact, ImportBatch
from campaigns.audience.reading import BROKEN, Table, UnreadableFile, count_rows, opened, other_encoding
from campaigns.audience.values import Rejected, Setting
from tenants.accounts.models import Tenant
from tenants.journal import tasks
from tenants.journal.models import Task

TASK = "import"
WAITS = "import_waiting"
"""The kind of a task whose file waits: nobody has said yet what its columns are."""
LARGEST = 20 * 1024 * 1024
"""Larger files are for the command, which reads a file of any size where it lies."""
ANSWERED_WITHIN = timedelta(days=1)
"""After so long a file whose columns nobody has named is forgotten."""
WORKED_WITHIN = timedelta(days=7)
_LOOKED_AT = 1_000
_SAMPLES = 40
_LONGEST = 80
_TRIED, _LONGEST_TRIED = 10, 2_000

FIGURES = {
    "rows": "Rows read",
    "created": "New",
    "updated": "Changed",
    "unchanged": "As they were",
    "rejected": "Rejected",
    "skipped": "Left out",
}
"""What an import tells, in the order in which one asks."""


def kind_of(name: str) -> Kind:
    return Contacts() if name == "contacts" else Jobs()


def bring(tenant: Tenant, kind: str, name: str, content: bytes, *, now: datetime, actor: str) -> Task:
    """A task that waits until ``say_columns``; raises UnreadableFile. Inside the tenant's scope."""
    # By its bytes, which is how a file system counts; its end says what kind of file it is.
    plain = Path(name.replace("\\", "/")).name.encode()[-120:].decode("utf-8", "ignore")
    told = {
        "kind": kind,
        "name": plain,
        "content": {"file": base64.b64encode(gzip.compress(content)).decode(), **_looked_at(plain, content)},
    }
    return tasks.queue(tenant, WAITS, f"Import of {kind} from {plain}", now=now, arguments=told, created_by=actor)


def waits_for_columns(task: Task) -> bool:
    """Whether somebody is to say what the columns of its file are."""
    return task.kind == WAITS and task.state == Task.State.QUEUED


def look_again(task: Task, encoding: str) -> None:
    """Read the names of the columns and their values in another encoding; raises UnreadableFile."""
    content = task.arguments["content"]
    content |= _looked_at(task.arguments["name"], _unpacked(task.arguments), encoding)
    _waiting(task).update(arguments=task.arguments)


def _waiting(task: Task) -> QuerySet[Task]:
    """The task where nobody has said yet what its columns are, in another window perhaps; else nothing."""
    return Task.objects.for_tenant(task.tenant_id).filter(pk=task.pk, kind=WAITS, state=Task.State.QUEUED)


def remembered(task: Task) -> ImportBatch | None:
    """The last import of a file with the same columns, for which somebody has said what they are."""
    rows = ImportBatch.objects.for_tenant(task.tenant_id).filter(
        kind=task.arguments["kind"], mapping__header=task.arguments["content"]["header"]
    )
    found: ImportBatch | None = rows.order_by("-pk").first()
    return found


def say_columns(task: Task, mapping: Mapping[str, Any], *, now: datetime) -> bool:
    """Keep how the file is to be read (nothing: as it stands); False where somebody has said so already.

    The caller enqueues the task. Inside the tenant's scope.
    """
    told = task.arguments | {"mapping": dict(mapping), "said_at": now.astimezone(UTC).isoformat()}
    if mapping:
        told["mapping"]["header"] = told["content"]["header"]
    return bool(_waiting(task).update(kind=TASK, arguments=told))


def try_rows(task: Task, mapping: Mapping[str, Any], *, now: datetime) -> list[str]:
    """Why the first rows of the file would be rejected, read so; nothing where one of them would be taken."""
    told, tenant = task.arguments, task.tenant
    kind, content = kind_of(told["kind"]), told["content"]
    setting = Setting(tenant.zone, tenant.country, tenant.region, tenant.currency, now)
    table = Table(content["header"], enumerate(content["rows"]))
    records = (
        (record for _, record, _ in read_mapping(mapping, kind.name).apply(table, [])) if mapping else content["rows"]
    )
    taken, refused = [], []
    for record in records:
        try:
            taken.append(kind.prepare(record, setting))
        except Rejected as reason:
            refused.append(str(reason))
    if not taken:
        return refused
    return _of_strangers(tenant, taken) if kind.name == "jobs" else []


def _of_strangers(tenant: Tenant, jobs: Sequence[JobRecord]) -> list[str]:
    """Why jobs would be rejected of which no customer is known; nothing where one is."""
    numbers = {job.contact_external_id for job in jobs if job.contact_external_id}
    addresses = {job.contact_email_key for job in jobs if not job.contact_external_id and job.contact_email_key}
    known = Contact.objects.for_tenant(tenant).filter(Q(external_id__in=numbers) | Q(email_key__in=addresses))
    if known.exists():
        return []
    first = jobs[0]
    column = "contact_external_id" if first.contact_external_id else "contact_email"
    return [f"{column}: {NOBODY.format(first.contact_external_id or first.contact_email_key)}"]


def import_brought(
    tenant: Tenant,
    told: dict[str, Any],
    *,
    now: datetime,
    begin: Callable[[int], None],
    progress: Callable[[int], None],
) -> ImportReport:
    """Import what was brought; raises UnreadableFile. Opens its own scopes.

    ``begin`` hears first about how many rows there are.
    """
    kind, content = kind_of(told["kind"]), told["mapping"]
    form = {name: value for name, value in content.items() if name != "header"}
    with _as_file(told["name"], _unpacked(told)) as path:
        begin(count_rows(path))
        return import_file(
            kind,
            tenant,
            path,
            now=now,
            mapping=read_mapping(form, kind.name) if form else None,
            mapping_content=content,
            progress=progress,
        )


def tidy(tenant: Tenant, *, now: datetime) -> int:
    """Forget the files whose columns nobody has named, and those whose worker is gone. Inside an open scope."""
    unnamed = Q(kind=WAITS, created_at__lt=now - ANSWERED_WITHIN)
    abandoned = Q(kind=TASK, created_at__lt=now - WORKED_WITHIN)
    rows = Task.objects.for_tenant(tenant).filter(unnamed | abandoned, state__in=tasks.OPEN)
    return sum(tasks.cancel(task, now=now) for task in rows.order_by("pk").iterator(chunk_size=1))


def _unpacked(told: Mapping[str, Any]) -> bytes:
    return gzip.decompress(base64.b64decode(told["content"]["file"]))


@contextmanager
def _as_file(name: str, content: bytes) -> Iterator[Path]:
    with TemporaryDirectory(prefix="winback-import-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _looked_at(name: str, content: bytes, encoding: str = "") -> dict[str, Any]:
    """The names of a file's columns, some values of each, and its encoding where it is to be named."""
    with _as_file(name, content) as path:
        used = encoding or other_encoding(path)
        with opened(path, encoding=used or None) as table:
            samples: dict[str, dict[str, None]] = {column: {} for column in table.header if column}
            seen: dict[str, set[str]] = {column: set() for column in samples}
            repeated: dict[str, str] = {}
            rows: list[dict[str, str]] = []
            for number, (_, row) in enumerate(islice(table.rows, _LOOKED_AT)):
                if number < _TRIED:
                    rows.append({column: row.get(column, "")[:_LONGEST_TRIED] for column in samples})
                for column, kept in samples.items():
                    value = row.get(column, "")[:_LONGEST] if BROKEN not in row else ""
                    if value and len(kept) < _SAMPLES:
                        kept[value] = None
                    if value in seen[column]:
                        repeated.setdefault(column, value)
                    elif value:
                        seen[column].add(value)
    if not rows:
        raise UnreadableFile(f"{name} has no rows under its headings: there is nothing to import.")
    return {
        "header": list(samples),
        "written": table.written,
        "samples": {column: list(kept) for column, kept in samples.items()},
        "repeated": repeated,
        "rows": rows,
        "encoding": used,
    }
