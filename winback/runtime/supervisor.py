"""The process that runs the embedded services while any command needs them: ``python -m winback.runtime.supervisor``.

Every command holds a shared lock on ``holders.lock``; the supervisor stops the services when it can take that lock for
itself. It keeps it until it is gone, so that a command that comes meanwhile waits and then starts a supervisor anew.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from winback.runtime import processes
from winback.runtime.postgres import DURABLE, EmbeddedPostgres
from winback.runtime.valkey import EmbeddedValkey

# Commands often come one after the other: waiting a moment saves the next one a start.
LINGER_SECONDS = 3.0
LOOK_SECONDS = 0.25


class Stop(Exception):
    """A signal asked the supervisor to stop."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise Stop


def supervise(home: Path) -> None:
    run = home / "run"
    run.mkdir(parents=True, exist_ok=True)
    with (run / "supervisor.lock").open("w") as alive, (run / "holders.lock").open("w") as holders:
        fcntl.flock(alive, fcntl.LOCK_EX)
        postgres = EmbeddedPostgres(home / "postgres", DURABLE)
        valkey = EmbeddedValkey(home / "valkey")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _on_signal)
        try:
            urls = {"DATABASE_URL": postgres.start(), "REDIS_URL": valkey.start()}
            processes.write_private(run / "services.json", json.dumps(urls | {"pid": os.getpid()}))
            _wait_until_unused(holders.fileno(), postgres, valkey)
        except Stop:
            pass
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            (run / "services.json").unlink(missing_ok=True)
            valkey.stop()
            postgres.stop()


def _wait_until_unused(holders: int, postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> None:
    """Return, holding the lock of the holders, once nobody has needed the services for a moment."""
    unused_since: float | None = None
    while True:
        for service in (postgres, valkey):
            if service.process is not None and service.process.poll() is not None:
                raise Stop  # a service that died takes the rest down: the next command starts all of them
        try:
            fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            unused_since = None
        else:
            moment = time.monotonic()
            unused_since = unused_since or moment
            if moment - unused_since >= LINGER_SECONDS:
                return
            fcntl.flock(holders, fcntl.LOCK_UN)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
