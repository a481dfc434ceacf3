"""Importing small files through the command, as a user does, and looking at what came of it."""

import csv
import json
import threading
from contextlib import nullcontext
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tests import factories


def written(directory: Path, content: str | bytes, name: str = "file.csv") -> Path:
    """A file with this content; text is written as UTF-8 with its line ends kept."""
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(
    kind: str,
    tenant: Tenant,
    path: Path,
    *,
    now: datetime = factories.NOW,
    clock: datetime | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The JSON that ``import_contacts`` or ``import_jobs`` answers with; ``clock``: the real time, if not ``now``."""
    out = StringIO()
    # The clock is everybody's: two imports at once would each put back what they found, the later one the other's.
    alone = threading.current_thread() is threading.main_thread()
    with patch.object(timezone, "now", return_value=clock or now) if alone else nullcontext():
        call_command(
            f"import_{kind}", str(path), tenant=tenant.slug, as_of=now.isoformat(), json=True, stdout=out,
            stderr=StringIO(), **options,
        )  # fmt: skip
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, rejected)."""
    return answer["created"], answer["updated"], answer["unchanged"], answer["rejected"]


def rejects(answer: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of the rejects file."""
    with Path(answer["rejects_file"]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def versions(table: str) -> list[tuple[Any, ...]]:
    """Each row's id and the transaction that wrote it: equal before and after means that nothing was written."""
    key = "contact_id" if table == "campaigns_contactstat" else "id"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {key}, xmin::text, ctid::text FROM {table} ORDER BY 1")
        return list(cursor.fetchall())


def contact(tenant: Tenant, external_id: str = "c1") -> Contact:
    """The contact that the file calls so."""
    found: Contact = Contact.objects.for_tenant(tenant).get(external_id=external_id)
    return found
