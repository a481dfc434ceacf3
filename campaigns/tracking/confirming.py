"""Some providers ask once whether the address is ours (Amazon SNS): answered outside any transaction."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderError
from winback.providers.receiving import Arrival
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)


@runtime_checkable
class Confirming(Protocol):
    """A provider that wants its reports confirmed before it sends any."""

    def confirm(self, arrival: Arrival) -> bool:
        """Confirm what an arrival asks us to confirm; False when it asks for nothing. Goes to the network."""
        ...


@dataclass(frozen=True)
class ToConfirm:
    """An inbox row that reports nothing, of a provider that may want something confirmed."""

    item_id: int
    connection: Connection
    arrival: Arrival


def confirm(tenant: Tenant, waiting: Sequence[ToConfirm], *, now: datetime) -> None:
    """Answer each; one that cannot be answered now waits for its next turn, as the batch left it."""
    for each in waiting:
        try:
            with connecting.open_provider(each.connection) as account:
                asked = isinstance(account, Confirming) and account.confirm(each.arrival)
        except (ProviderError, UndecipherableSecret) as error:
            logger.warning("Connection %s cannot be confirmed: %s", each.connection.pk, error)
            with acting_for(tenant.pk):
                InboxItem.objects.for_tenant(tenant).filter(pk=each.item_id).update(detail=str(error)[:300])
            continue
        with acting_for(tenant.pk):
            InboxItem.objects.for_tenant(tenant).filter(pk=each.item_id).update(
                state=InboxItem.State.APPLIED if asked else InboxItem.State.IGNORED,
                reason="confirmed" if asked else "nothing_reported",
                applied=int(asked),
                next_try_at=None,
                settled_at=now,
            )
