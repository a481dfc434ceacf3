"""Writing to the journal of events: one row for one thing that happened, with ids and never with personal data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import models

from tenants.journal.models import Event


def record(
    kind: str,
    *,
    tenant_id: int,
    now: datetime,
    contact_id: int | None = None,
    subject: models.Model | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Note that something happened to a contact, or to any other row of the tenant."""
    Event.objects.create(
        tenant_id=tenant_id,
        kind=kind,
        contact_id=contact_id,
        subject_kind=str(subject._meta.model_name) if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        data=dict(data or {}),
        occurred_at=now,
    )


def record_each(kind: str, contacts: Sequence[models.Model], *, tenant_id: int, now: datetime) -> None:
    """Note the same of several contacts, in one statement."""
    Event.objects.bulk_create(
        Event(tenant_id=tenant_id, kind=kind, contact_id=each.pk, subject_kind=str(each._meta.model_name),
              subject_id=each.pk, data={}, occurred_at=now)
        for each in contacts
    )  # fmt: skip
