"""Web, workers and scheduler as children of one process in the foreground; whatever ends it, none of them is left."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from django.conf import settings

from winback.queues import QUEUES, SHORT
from winback.runtime import processes
from winback.runtime.addresses import is_free
from winback.runtime.bootstrap import ROOT

logger = logging.getLogger(__name__)

START_SECONDS = 60


class Stop(Exception):
    """A signal asked us to stop, or a child died."""


class PortTaken(RuntimeError):
    """Another program listens on the port: choose one with --port."""


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    raise Stop("stopped")


def run(port: int, *, ready: Callable[[str], None], host: str = "127.0.0.1", workers: int = 1) -> int:
    """Serve until a signal comes; calls ``ready(address)`` once the web answers. Returns the exit code."""
    if not is_free(port, host):
        raise PortTaken(f"Port {port} is taken: choose another with --port.")
    log = Path(settings.WINBACK_HOME) / "log"
    log.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _on_signal)
    children: list[tuple[str, subprocess.Popen[bytes]]] = []
    try:
        for name, command in _commands(host, port, workers):
            child = processes.start(
                command, on_parent_death=signal.SIGTERM, log=log / f"{name}.txt", cwd=ROOT, env=dict(os.environ)
            )
            children.append((name, child))
        address = f"http://{host}:{port}"
        _wait_for(f"{address}/healthz", children, log)
        ready(address)
        _watch(children, log)
    except Stop as stop:
        if str(stop) != "stopped":
            logger.error("%s", stop)
            return 1
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        for _, child in reversed(children):
            processes.stop(child, signal.SIGTERM, patience=10)
    return 0


def _commands(host: str, port: int, workers: int) -> list[tuple[str, list[str]]]:
    python = sys.executable
    web = [
        python, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "1", "--blocking-threads", "8", "--no-ws", "winback.wsgi:application",
    ]  # fmt: skip
    worker = [python, "manage.py", "rqworker"]
    return [
        ("web", web),
        *((f"worker-{number}", [*worker, *QUEUES]) for number in range(1, workers + 1)),
        ("worker-short", [*worker, *SHORT]),  # in whose turn no import can come
        ("scheduler", [python, "-m", "winback.runtime.scheduler"]),
    ]


def _wait_for(url: str, children: list[tuple[str, "subprocess.Popen[bytes]"]], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        _check(children, log)
        try:
            with urlopen(url, timeout=2):
                return
        except HTTPError as error:
            if error.code < 500:  # it answers; that this host is not in ALLOWED_HOSTS is as it should be
                return
            raise Stop(f"The web server fails with {error.code}; its log: {log / 'web.txt'}") from error
        except (URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > end:
                raise Stop(f"The web server does not answer; its log: {log / 'web.txt'}") from error
            time.sleep(0.1)


def _watch(children: list[tuple[str, "subprocess.Popen[bytes]"]], log: Path) -> None:
    while True:
        _check(children, log)
        time.sleep(0.5)


def _check(children: list[tuple[str, "subprocess.Popen[bytes]"]], log: Path) -> None:
    for name, child in children:
        if child.poll() is not None:
            raise Stop(f"{name} ended with {child.returncode}; its log: {log / f'{name}.txt'}")
