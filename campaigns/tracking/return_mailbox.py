"""Mail that came back to the sender's address is kept in the inbox like any other report.

SMTP servers report nothing otherwise. What is no delivery report or complaint is not ours to keep.
"""

import logging
import mailbox
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.email import mailbox as imap
from winback.providers.email import returned
from winback.providers.errors import ProviderError
from winback.providers.receiving import NotUnderstood
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

SMTP = "smtp"


def keep(connection: Connection, raw: bytes, *, now: datetime) -> bool:
    """Keep one mail if it reports something and is not there yet. Opens its own scope."""
    try:
        reports = returned.read(raw)
    except NotUnderstood:
        return False
    if not reports:
        return False
    with acting_for(connection.tenant_id):
        _, made = InboxItem.objects.get_or_create(
            tenant_id=connection.tenant_id,
            connection=connection,
            digest=sha256(raw).hexdigest(),
            defaults={"body": raw, "method": "MAIL", "urgent": True, "received_at": now, "next_try_at": now},
        )
    return made


def read_maildir(connection: Connection, folder: Path, *, now: datetime) -> tuple[int, int]:
    """Read and empty a maildir; returns how many mails there were, and how many reports are new."""
    seen = kept = 0
    box = mailbox.Maildir(folder, create=False)
    for key in sorted(box.keys()):
        seen += 1
        kept += keep(connection, box.get_bytes(key), now=now)
        box.remove(key)  # once it is committed
    return seen, kept


def read_imap(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """Read what is unread in the connection's own mailbox, and mark it; the same answer."""
    settings = connection.settings
    secrets = connecting.credentials_of(connection)
    seen = kept = 0
    with imap.opened(
        host=str(settings["return_host"]),
        username=str(settings.get("return_username", "")),
        password=str(secrets.get("return_password", "")),
    ) as box:
        for number, raw in box.unread():
            seen += 1
            kept += keep(connection, raw, now=now)
            box.mark_read(number)
    return seen, kept


def smtp_connections(tenant: Tenant) -> list[Connection]:
    """The connections whose mail returns as mail. Opens its own scope."""
    with acting_for(tenant.pk):
        rows = Connection.objects.for_tenant(tenant).select_related("tenant")
        return list(rows.filter(kind="email", provider=SMTP).order_by("pk"))


def read_mailboxes(tenant: Tenant, *, now: datetime) -> tuple[int, int]:
    """Read every mailbox that the tenant's connections name, and apply what is new. Opens its own scopes."""
    seen = kept = 0
    for connection in smtp_connections(tenant):
        if not connection.settings.get("return_host"):
            continue
        try:
            looked_at, new = read_imap(connection, now=now)
        except (ProviderError, UndecipherableSecret) as error:
            logger.warning("The mailbox of connection %s cannot be read: %s", connection.pk, error)
            continue
        seen, kept = seen + looked_at, kept + new
    if kept:
        applying.apply(tenant, now=now)
    return seen, kept
