"""Files that are brought to the console: kept with their task until a worker, on whichever host, has imported them."""

import base64
import gzip
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from campaigns.audience.importing import ImportReport, Kind, import_file
from campaigns.audience.importing_contacts import Contacts
from campaigns.audience.importing_jobs import Jobs
from tenants.accounts.models import Tenant
from tenants.journal import tasks
from tenants.journal.models import Task

TASK = "import"
LARGEST = 20 * 1024 * 1024
"""Larger files are for the command, which reads a file of any size where it lies."""


def kind_of(name: str) -> Kind:
    return Contacts() if name == "contacts" else Jobs()


def bring(tenant: Tenant, kind: str, name: str, content: bytes, *, now: datetime, actor: str) -> Task:
    """A task that imports the file, for the caller to enqueue. Inside the tenant's scope."""
    plain = Path(name.replace("\\", "/")).name[-120:]
    packed = base64.b64encode(gzip.compress(content)).decode()
    told = {"kind": kind, "name": plain, "content": packed}
    return tasks.queue(tenant, TASK, f"Import of {kind} from {plain}", now=now, arguments=told, created_by=actor)


def unpacked(told: dict[str, Any]) -> bytes:
    return gzip.decompress(base64.b64decode(told["content"]))


def lines_in(name: str, content: bytes) -> int:
    """About how many rows a file has, for its progress; 0 where only reading it would tell."""
    return max(content.count(b"\n") - 1, 0) if name.lower().endswith(".csv") else 0


def import_brought(
    tenant: Tenant, told: dict[str, Any], content: bytes, *, now: datetime, progress: Callable[[int], None]
) -> ImportReport:
    """Import what was brought; raises UnreadableFile. Opens its own scopes."""
    with TemporaryDirectory(prefix="winback-import-") as folder:
        path = Path(folder) / told["name"]
        path.write_bytes(content)
        return import_file(kind_of(told["kind"]), tenant, path, now=now, progress=progress)
