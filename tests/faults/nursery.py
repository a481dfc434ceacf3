"""A process with everything loaded that forks what a test asks for: a start costs milliseconds instead of seconds.

``python -m tests.faults.nursery START GROUP`` reads one JSON object a line and answers with one. Its clock begins at
START (empty: the real one); with a GROUP size leases, ticks and shares are a test's, not a day's. Whatever it forks
dies with it.
"""

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.faults import servers
from winback.runtime import processes

_PR_SET_CHILD_SUBREAPER = 36


class Nursery:
    """The test's side of it."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str],
        *,
        start: datetime | None,
        group: int = 0,
        before: Sequence[str] = (),
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self._process = subprocess.Popen(
            [
                *before,
                sys.executable,
                "-m",
                "tests.faults.nursery",
                start.isoformat() if start else "",
                str(group),
            ],
            cwd=servers.ROOT,
            env={**os.environ, **environment, "WINBACK_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(home / "nursery.txt").open("ab"),
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - its own threads only wait
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def _ask(self, **question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, (self.home / "nursery.txt").read_text()[-3000:]
        return json.loads(answer)

    def fork(self, path: str, **named: Any) -> int:
        """Have a child call this function; its process id."""
        pid: int = self._ask(do="fork", path=path, named=named)
        return pid

    def wait(self, pid: int, seconds: float = 30) -> int | None:
        """How a child ended (as subprocess tells it), or None when it goes on."""
        end = time.monotonic() + seconds
        while (ended := self._ask(do="ended", pid=pid)) is None and time.monotonic() < end:
            time.sleep(0.01)
        return None if ended is None else int(ended)

    def call(self, path: str, **named: Any) -> Any:
        """What the function returns, called in a child that lives through it."""
        result = self.home / "result.json"
        result.unlink(missing_ok=True)
        ended = self.wait(self.fork(path, **named), 120)
        assert ended == 0, (self.home / "nursery.txt").read_text()[-3000:]
        return json.loads(result.read_text())

    def settle(self, seconds: float = 30) -> None:
        """Wait until none of its children is left, those included whose parent died (they are its own then)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        end = time.monotonic() + seconds
        while children.read_text().strip():
            assert time.monotonic() < end, "a child goes on and on"
            time.sleep(0.01)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def _child(path: str, named: dict[str, Any]) -> None:
    processes.dies_with_parent(signal.SIGKILL)()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    module, _, name = path.partition(":")
    result = getattr(importlib.import_module(module), name)(**named)
    (Path(os.environ["WINBACK_HOME"]) / "result.json").write_text(json.dumps(result))


def _serve() -> None:
    ended: dict[int, int] = {}

    def reap(*_: object) -> None:
        try:
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                ended[found[0]] = os.waitstatus_to_exitcode(found[1])
        except ChildProcessError:
            pass

    signal.signal(signal.SIGCHLD, reap)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for line in iter(sys.stdin.buffer.readline, b""):
        question = json.loads(line)
        answer: int | None
        if question["do"] == "ended":
            answer = ended.get(question["pid"])
        else:
            answer = os.fork()
            if answer == 0:
                status = 1
                try:
                    _child(question["path"], question["named"])
                    status = 0
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                finally:
                    sys.stderr.flush()
                    os._exit(status)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    import django

    django.setup()
    for module in ("tests.faults.ground", "tests.faults.roles", "winback.providers.email.smtp"):
        importlib.import_module(module)
    short = importlib.import_module("tests.faults.short")
    if sys.argv[2] != "0":
        short.shorten(int(sys.argv[2]))
    if sys.argv[1]:
        short.start_clock(sys.argv[1])
    _serve()
