"""A person writes back: kept in a conversation, understood, and acted upon in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from winback.providers.receiving import Report


@dataclass(frozen=True)
class Received:
    """What became of a text that came in."""

    new: bool
    """False: it was reported before, and nothing was done."""
    meaning: str = ""
    conversation_id: int | None = None
    contact_ids: tuple[int, ...] = ()


def receive_text(tenant: Tenant, *, connection: Connection | None, report: Report, now: datetime) -> Received:
    """Keep a text (``report.kind`` REPLIED) and do what it asks for; inside the open scope of the tenant.

    Idempotent by connection and ``report.key``. What is to be answered is planned here and sent by ``answering_texts``.
    """
    raise NotImplementedError
