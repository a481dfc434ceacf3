"""A simulation has its tenant to itself: it waits for that tenant's regular work, and none begins in it.

Advisory locks of the session, because both span many transactions; they are gone with the process that holds them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import OperationalError, connection, transaction

_SIMULATION, _WORK = "winback.simulate", "winback.regular-work"
WAIT_SECONDS = 30
"""How long a simulation waits for a share of regular work to end."""


class AlreadySimulating(RuntimeError):
    """Another process is simulating this tenant: wait for it, or end it."""


class RegularWorkGoesOn(RuntimeError):
    """The regular work of this tenant does not end: stop `manage.py serve`, or try again later."""


@contextmanager
def simulation(tenant_id: int, name: str) -> Iterator[None]:
    """Hold the tenant alone; raises AlreadySimulating or RegularWorkGoesOn."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [_SIMULATION, tenant_id])
        if not cursor.fetchone()[0]:
            raise AlreadySimulating(being_simulated(name))
    try:
        _wait_for_work(tenant_id, name)
        try:
            yield
        finally:
            _release(_WORK, tenant_id)
    finally:
        _release(_SIMULATION, tenant_id)


def _wait_for_work(tenant_id: int, name: str) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_SECONDS}s"])
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s), %s)", [_WORK, tenant_id])
    except OperationalError as error:
        raise RegularWorkGoesOn(
            f"{name} is being scanned, planned, sent or answered for by another process, which does not end: stop "
            "`manage.py serve` (or the command that does it), or try again later."
        ) from error


@contextmanager
def regular_work(tenant_ids: Sequence[int]) -> Iterator[list[int]]:
    """Those of the tenants that may be worked on now: no simulation of them begins before this block ends."""
    # Inside a transaction its end gives the lock back: where it failed, no statement could.
    transactional = connection.in_atomic_block
    lock = "pg_try_advisory_xact_lock_shared" if transactional else "pg_try_advisory_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM unnest(%s::bigint[]) AS t(id) WHERE {lock}(hashtext(%s), id::int)",
            [list(tenant_ids), _WORK],
        )
        free = [row[0] for row in cursor.fetchall()]
    try:
        yield free
    finally:
        for tenant_id in () if transactional else free:
            _release(_WORK, tenant_id, shared=True)


class BeingSimulated(CommandError):
    """What was asked for would run between the days of a simulation."""


def being_simulated(name: str) -> str:
    return f"{name} is being simulated by another process: wait for it, or end it."


@contextmanager
def working(tenant_id: int, name: str) -> Iterator[None]:
    """Regular work that a person asked for; raises BeingSimulated."""
    with regular_work([tenant_id]) as free:
        if not free:
            raise BeingSimulated(being_simulated(name))
        yield


def _release(what: str, tenant_id: int, *, shared: bool = False) -> None:
    function = "pg_advisory_unlock_shared" if shared else "pg_advisory_unlock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtext(%s), %s)", [what, tenant_id])
