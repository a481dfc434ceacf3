"""Everything that is held on one person, for them to have: one JSON document with each table by its name.

Rows stand as they are, without what is empty. Other people's data is not theirs: of a provider's report about many
only the part that names them is handed out.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model

from campaigns.audience import rejecting
from campaigns.audience.models import Contact
from campaigns.audience.people import People, people_of
from campaigns.operating import evidence
from campaigns.operating.holdings import HOLDINGS
from campaigns.operating.outbox_reading import words_of
from campaigns.planning.models import Message
from campaigns.tracking import forgetting as tracking
from campaigns.tracking import naming
from tenants.accounts.models import Tenant

_NOT_THEIRS = frozenset({"tenant", "claim_token", "lease_until"})
_LEFT = (Message.State.HANDED_OVER, Message.State.DELIVERED, Message.State.BOUNCED, Message.State.COMPLAINED)


def export(tenant: Tenant, contact: Contact, *, now: datetime) -> dict[str, Any]:
    """The whole document. Inside the tenant's open scope."""
    people = tracking.known_by(people_of(tenant, [contact]))
    told: dict[str, Any] = {
        "export": {"of": "everything held on one person", "by": tenant.name, "at": now, "contacts": people.ids},
    }
    for holding in HOLDINGS:
        told[holding.name] = [_row(row) for row in holding.rows(people)]
    told["bodies"] = _bodies(people, now=now)
    told["reports"] = naming.reports_naming(people)
    told["rejected_rows"] = rejecting.naming(rejects_folder(tenant), naming.names(people))
    told["evidence"] = [
        line for row in people.survivors for line in evidence.lines(tenant, now=now, contact=row)
        if line["kind"] != "rule"
    ]  # fmt: skip
    return told


def written(told: Mapping[str, Any]) -> str:
    return json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


def rejects_folder(tenant: Tenant) -> Path:
    """Where this host keeps the rows of the tenant's files that were not taken."""
    return Path(settings.WINBACK_HOME) / "rejects" / tenant.slug


def _row(row: Model) -> dict[str, Any]:
    values = {
        field.attname: field.value_from_object(row)
        for field in row._meta.concrete_fields
        if field.name not in _NOT_THEIRS
    }
    return {
        name: bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value
        for name, value in values.items()
        if value not in (None, "", [], {}, b"")
    }


def _bodies(people: People, *, now: datetime) -> list[dict[str, Any]]:
    """The words of each message that left, as far as they are certain: the very bytes, or the same by their digest."""
    rows = Message.objects.for_tenant(people.tenant).filter(contact__in=people.ids, state__in=_LEFT)
    found = []
    for message in rows.select_related("tenant").order_by("pk"):
        said = words_of(message, now=now)
        if said is not None and said.certainty != "today":
            found.append({"message": message.pk, "subject": said.subject, "text": said.text, "html": said.html})
    return found
