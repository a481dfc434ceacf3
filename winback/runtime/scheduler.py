"""The scheduler: ``python -m winback.runtime.scheduler``. Of all that run, on however many hosts, one ticks.

Each of them looks after the files of its own host besides, elected or not (settings.WINBACK_HOST_TICK).

It is elected by a session-wide advisory lock: a scheduler that dies or loses its connection frees the lock, and
another one takes over at its next try. What is due stands in PostgreSQL (settings.WINBACK_SCHEDULE_TICK looks there).
"""

import logging
import os
import time

import django
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

ELECTION = 0x77696E6261636B  # "winback"
TICK_SECONDS = 5.0
HOST_SECONDS = 60.0


def elected() -> bool:
    """Whether this process is the one that ticks; it stays so while its connection lives."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ELECTION])
        row = cursor.fetchone()
    return bool(row and row[0])


def still_elected() -> bool:
    """Whether the lock is still ours: a connection that was lost and made anew does not hold it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() "
            "AND ((classid::bigint << 32) | objid::bigint) = %s AND granted)",
            [ELECTION],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def run() -> None:
    """Tick for ever, whenever this process is elected."""
    tick, host_tick = import_string(settings.WINBACK_SCHEDULE_TICK), import_string(settings.WINBACK_HOST_TICK)
    leading = False
    host_due = 0.0
    while True:
        try:
            leading = still_elected() if leading else elected()
            if time.monotonic() >= host_due:  # first: a tick that fails each time must not keep it from its turn
                host_due = time.monotonic() + HOST_SECONDS
                host_tick(now=timezone.now())
            if leading:
                tick(now=timezone.now())
        except (OperationalError, InterfaceError):
            logger.exception("The database is away; trying again.")
            connection.close()
            leading = False
        except Exception:
            logger.exception("A tick failed; the next one is tried.")
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    django.setup()
    run()
