"""A home of its own for embedded services, and who lives in it: for tests that start and kill real processes."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.data import REPOSITORY

SERVERS = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "WINBACK_ENCRYPTION_KEYS", "WINBACK_PUBLIC_URL", "ALLOWED_HOSTS")

# A command, as the services see it: it holds them until its standard input ends.
HOLDER = """
import json, os, sys
from pathlib import Path
from winback.runtime import services
services.ensure(Path(sys.argv[1]))
print(json.dumps({name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}), flush=True)
sys.stdin.read()
"""


@dataclass
class Home:
    """A WINBACK_HOME under which commands can be started as a stranger's shell would."""

    folder: Path
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in SERVERS}
        return kept | {"WINBACK_HOME": str(self.folder), "WINBACK_TEST_HOME": str(self.folder)}

    def start(self, *command: str, **more: Any) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env=self.environment | more.pop("environment", {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **more,
        )
        self.started.append(child)
        return child

    def hold(self) -> "tuple[subprocess.Popen[str], dict[str, str]]":
        """A command that needs the services, and their addresses."""
        child = self.start("-c", HOLDER, str(self.folder))
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, child.communicate()[1]
        return child, json.loads(line)

    def supervisor(self) -> int:
        return int(json.loads((self.folder / "run" / "services.json").read_text())["pid"])

    def processes(self) -> dict[int, str]:
        """Every living process that has to do with this home."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if self._of_this_home(entry):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def _of_this_home(self, entry: Path) -> bool:
        if (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return False
        # A backend of PostgreSQL writes over its arguments and environment, but stays in its data folder.
        texts = [os.fsencode(os.readlink(entry / "cwd"))]
        texts += [(entry / name).read_bytes() for name in ("cmdline", "environ")]
        return any(os.fsencode(self.folder) in text for text in texts)

    def clean_up(self) -> None:
        for child in self.started:
            if child.poll() is None:
                child.kill()
            child.communicate()
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def new_home() -> Iterator[Home]:
    """A home that PostgreSQL can reach as ``nobody`` when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="winback-home-"))
    folder.chmod(0o711)
    home = Home(folder)
    try:
        yield home
    finally:
        home.clean_up()


def eventually(holds: Callable[[], bool], *, seconds: float = 20) -> bool:
    """Whether it becomes true before the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
