"""PostgreSQL and Valkey that a test kills and starts again at the same address, and a mail server that counts."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis

from winback.runtime import processes
from winback.runtime.postgres import DURABLE, EmbeddedPostgres, _binaries
from winback.runtime.valkey import _binary

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-tests"
DURABLY = DURABLE | {"shared_buffers": "64MB", "max_wal_size": "1GB"}


@dataclass
class Server:
    """A child process that can be started again as it was; ``before`` is written before its command (``nsenter …``)."""

    home: Path
    address: str = "127.0.0.1"
    port: int = field(default_factory=processes.free_port)
    before: Sequence[str] = ()
    process: "subprocess.Popen[bytes] | None" = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self, *, patience: float = 60) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.process = processes.start(
            [*self.before, *self.command()],
            on_parent_death=signal.SIGKILL,
            log=self.home / "log.txt",
            env=processes.clean_environment(),
            cwd="/",
        )
        end = time.monotonic() + patience
        while not self.answers():
            assert self.process.poll() is None, (self.home / "log.txt").read_text()[-2000:]
            assert time.monotonic() < end, f"{type(self).__name__} does not answer"
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, to this process alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()


class Postgres(Server):
    """With fsync and every commit waited for, as a real one. Root's runs as ``nobody``."""

    settings: dict[str, str] = DURABLY

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def url(self) -> str:
        return f"postgres://winback:{PASSWORD}@{self.address}:{self.port}/winback"

    def make(self) -> None:
        """The cluster, open to the test's own hosts by password."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        processes.give_away(self.home)
        self.make_socket_folder()
        EmbeddedPostgres(self.home, self.settings)._make_cluster(_binaries(), self.data, PASSWORD)
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet scram-sha-256\nhost replication postgres samenet scram-sha-256\n")

    def make_socket_folder(self) -> None:
        (self.home / "socket").mkdir(exist_ok=True)
        processes.give_away(self.home / "socket")

    def make_database(self) -> None:
        with self.superuser("postgres") as connection:
            connection.execute(f"CREATE ROLE winback LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE winback OWNER winback")

    def superuser(self, database: str = "winback") -> psycopg.Connection:
        """A connection that row-level security does not bind: for counting. By a file, whatever network it is in."""
        return psycopg.connect(
            host=str(self.home / "socket"),
            port=self.port,
            user="postgres",
            password=PASSWORD,
            dbname=database,
            autocommit=True,
            connect_timeout=2,
        )

    def copy_of(self, primary: "Postgres") -> None:
        """A standby of it, by streaming replication: every commit there waits until it is here."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        processes.give_away(self.home)
        self.make_socket_folder()
        source = f"host={primary.address} port={primary.port} user=postgres password={PASSWORD}"
        copy = [str(_binaries() / "pg_basebackup"), "-D", str(self.data), "-R", "-X", "stream", "-c", "fast"]
        subprocess.run(
            [*self.before, *self.as_nobody(*copy, "-d", f"{source} application_name=standby")],
            check=True,
            capture_output=True,
            cwd="/",
            env=processes.clean_environment(),
        )
        with primary.superuser("postgres") as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby)'")
            connection.execute("SELECT pg_reload_conf()")

    def wait_for_standby(self, *, patience: float = 30) -> None:
        end = time.monotonic() + patience
        with self.superuser("postgres") as connection:
            statement = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"
            while connection.execute(statement).fetchone() == (0,):
                assert time.monotonic() < end, "the standby does not follow"
                time.sleep(0.1)

    def promote(self) -> None:
        """What a person or Patroni does when the primary is gone for good."""
        with self.superuser("postgres") as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            assert connection.execute("SELECT pg_promote(true, 30)").fetchone() == (True,)
            connection.execute("SELECT pg_reload_conf()")

    def start(self, *, patience: float = 60) -> None:
        processes.wait_until_left(self.data)
        super().start(patience=patience)

    def as_nobody(self, *command: str) -> list[str]:
        if not processes.unprivileged():
            return list(command)
        who = ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        return ["setpriv", *who, "--pdeathsig=KILL", *command]

    def command(self) -> list[str]:
        given = [f"-c{name}={value}" for name, value in self.settings.items()]
        where = [f"-clisten_addresses={self.address}", f"-cunix_socket_directories={self.home / 'socket'}"]
        return self.as_nobody(str(_binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port), *where, *given)

    def answers(self) -> bool:
        try:
            self.superuser("postgres").close()
        except psycopg.OperationalError:
            return False
        return True


class Valkey(Server):
    """Keeps nothing: killed and started again, it is an empty one at the same address."""

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{self.address}:{self.port}/0"

    def command(self) -> list[str]:
        (self.home / "valkey.conf").write_text(
            f"bind {self.address}\nport {self.port}\nunixsocket {self.home}/socket\nrequirepass {PASSWORD}\n"
            f"dir {self.home}\n"
            'appendonly no\nsave ""\nmaxmemory-policy noeviction\n'
        )
        return [str(_binary()), str(self.home / "valkey.conf")]

    def client(self) -> redis.Redis:
        """By a file, whatever network it is in."""
        return redis.Redis(unix_socket_path=str(self.home / "socket"), password=PASSWORD)

    def empty(self) -> None:
        with self.client() as client:
            client.flushall()

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@dataclass
class Mailbox(Server):
    """The counting mail server (sink.py): which references it took, and how often."""

    think_seconds: float = 0.0

    @property
    def book(self) -> Path:
        return self.home / "taken.txt"

    def command(self) -> list[str]:
        sink = [sys.executable, str(ROOT / "tests/faults/sink.py"), self.address, str(self.port)]
        return [*sink, str(self.book), str(self.think_seconds)]

    def answers(self) -> bool:
        return self.book.exists()

    def taken(self) -> Counter[str]:
        return Counter(reference for reference, _, _ in self.entries())

    def entries(self) -> list[tuple[str, str, float]]:
        """Each message that was taken: its reference, from where, and at which second of the epoch."""
        lines = [line.split() for line in self.book.read_text().splitlines()]
        return [(reference, peer, float(moment)) for reference, peer, moment in lines]

    def slow_for(self, peer: str, *, slow: bool) -> None:
        """Whether it thinks for a second about each message that comes from this address."""
        mark = Path(f"{self.book}.slow-{peer}")
        mark.touch() if slow else mark.unlink(missing_ok=True)
