"""The audit of what people and keys did: each entry holds the hash of the one before it.

An entry that was edited, removed or moved breaks the chain there, and ``verify`` names it. The last entries alone can
be cut off unseen: keep the latest hash elsewhere (a backup, a printed report) to notice that too.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models

from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry

_LOCK = 7_266_002


def append(
    tenant_id: int,
    *,
    actor: str,
    action: str,
    now: datetime,
    subject: models.Model | None = None,
    data: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add what somebody did to the tenant's chain, in the transaction of the act itself."""
    with connection.cursor() as cursor:  # one writer at a time, or two entries would follow the same one
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, tenant_id % 2**31])
    last = AuditEntry.objects.for_tenant(tenant_id).order_by("-sequence").first()
    entry = AuditEntry(
        tenant_id=tenant_id,
        sequence=last.sequence + 1 if last else 1,
        actor=actor[:200],
        action=action,
        subject_kind=str(subject._meta.model_name) if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        data=json.loads(json.dumps(dict(data or {}), default=str)),
        occurred_at=now,
        previous_hash=last.hash if last else "",
    )
    entry.hash = _hash(entry)
    entry.save(force_insert=True)
    return entry


def verify(tenant: Tenant) -> list[int]:
    """The sequence numbers at which the chain is broken; none when all is as it was written."""
    broken = []
    expected_sequence, expected_hash = 1, ""
    for entry in AuditEntry.objects.for_tenant(tenant).order_by("sequence").iterator():
        intact = (
            entry.sequence == expected_sequence and entry.previous_hash == expected_hash and entry.hash == _hash(entry)
        )
        if not intact:
            broken.append(entry.sequence)
        expected_sequence, expected_hash = entry.sequence + 1, entry.hash
    return broken


def _hash(entry: AuditEntry) -> str:
    body = json.dumps(
        [
            entry.tenant_id,
            entry.sequence,
            entry.actor,
            entry.action,
            entry.subject_kind,
            entry.subject_id,
            entry.data,
            entry.occurred_at.astimezone(UTC).isoformat(),
            entry.previous_hash,
        ],
        sort_keys=True,
        ensure_ascii=False,
    )
    return hashlib.sha256(body.encode()).hexdigest()
