"""What a connection's coming, going or changing means for the modules that depend on it: one piece for every door.

Known facts are looked at in the same transaction; providers are asked soon after it, by a worker, because what a
connection answers is not known while it is switched off.
"""

from collections.abc import Sequence
from datetime import datetime

from tenants.accounts.models import Brand, Tenant
from tenants.activation import activating, jobs
from tenants.connections import connecting
from tenants.connections.models import Connection
from winback.queues import AWAITED, enqueue


def pause(connection: Connection, *, now: datetime, actor: str) -> bool:
    """Stop using it until a person says otherwise; False where it was stopped already."""
    return _noted(connection.tenant, connecting.disable(connection, now=now, actor=actor), now=now)


def resume(connection: Connection, *, now: datetime, actor: str) -> bool:
    """Use it again, whoever or whatever stopped it; False where it was in use."""
    return _noted(connection.tenant, connecting.resume(connection, now=now, actor=actor), now=now)


def arrange(tenant: Tenant, kind: str, keys: Sequence[int], *, now: datetime, actor: str) -> bool:
    """Use those of a kind in this order; False unless each is named once."""
    return _noted(tenant, connecting.arrange(tenant, kind, keys, now=now, actor=actor), now=now)


def give_to(connection: Connection, brand: Brand | None, *, now: datetime, actor: str) -> bool:
    """Let it carry one brand's messages alone, or with None every brand's; False where it did so already."""
    return _noted(connection.tenant, connecting.give_to(connection, brand, now=now, actor=actor), now=now)


def changed(tenant: Tenant, *, now: datetime) -> None:
    """Look again at the tenant's modules: at once by what is known, and soon by what the providers say."""
    activating.reevaluate(tenant, now=now)
    enqueue(jobs.look_again, queue=AWAITED, tenant=tenant.pk)


def _noted(tenant: Tenant, different: bool, *, now: datetime) -> bool:
    if different:
        changed(tenant, now=now)
    return different
