"""Where PostgreSQL and Valkey are: the servers that the environment names, or the embedded ones of WINBACK_HOME."""

import base64
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from winback.runtime import processes
from winback.runtime.bootstrap import ROOT
from winback.runtime.postgres import ServiceFailed

# Held for the life of the process: the supervisor stops the services when nobody holds it any more.
_held: list[TextIOWrapper] = []


def home_folder() -> Path:
    return Path(os.environ.get("WINBACK_HOME") or ROOT / "var").resolve()


def ensure(home: Path) -> None:
    """Attach to this home's running embedded services, or start them, and put their addresses in the environment."""
    run = home / "run"
    run.mkdir(parents=True, exist_ok=True)
    holder = (run / "holders.lock").open("w")
    fcntl.flock(holder, fcntl.LOCK_SH)  # waits while a supervisor is just stopping
    _held.append(holder)
    with (run / "start.lock").open("w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)  # two commands at once start one supervisor
        if not _supervisor_lives(run):
            (run / "services.json").unlink(missing_ok=True)
            _start_supervisor(home)
        kept = _secrets(home)
    services = processes.read_json(run / "services.json")
    os.environ["DATABASE_URL"] = services["DATABASE_URL"]
    os.environ["REDIS_URL"] = services["REDIS_URL"]
    os.environ["WINBACK_EMBEDDED"] = "1"
    os.environ["WINBACK_HOME"] = str(home)
    for name, value in kept.items():
        if not os.environ.get(name) and not os.environ.get(f"{name}_FILE"):
            os.environ[name] = value


def _supervisor_lives(run: Path) -> bool:
    with (run / "supervisor.lock").open("a") as alive:
        try:
            fcntl.flock(alive, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return bool(processes.read_json(run / "services.json"))
        return False


def _start_supervisor(home: Path) -> None:
    log = home / "run" / "supervisor.log"
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "winback.runtime.supervisor", str(home)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # it outlives the command that started it, for the others
        )
    end = time.monotonic() + 90
    while not processes.read_json(home / "run" / "services.json"):
        if supervisor.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise ServiceFailed(f"The embedded services did not start: {' '.join(last)} (log: {log})")
        if time.monotonic() > end:
            supervisor.send_signal(signal.SIGTERM)
            raise ServiceFailed(f"The embedded services did not start in time; their log: {log}")
        time.sleep(0.05)


def _secrets(home: Path) -> dict[str, str]:
    """The secrets of a home that was given none: made once, kept in a file that only its owner reads."""
    path = home / "secrets.json"
    kept = processes.read_json(path)
    if not kept:
        kept = {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "WINBACK_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        processes.write_private(path, json.dumps(kept))
    return kept
