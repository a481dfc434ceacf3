"""What every benchmark stands on: a durable PostgreSQL of its own, and a stopwatch for both sides of a connection.

``with ground() as database:`` starts the embedded server with the settings that the product runs it with, in a
temporary folder, migrates it, loads the catalog, and takes everything away at the end. With DATABASE_URL set, that
server is used instead (its database is written to: give it an empty one).
"""

import base64
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def ground() -> Iterator[Path]:
    """Django on a migrated database; gives the folder for files."""
    from winback.runtime import processes
    from winback.runtime.postgres import DURABLE, EmbeddedPostgres

    home = Path(tempfile.mkdtemp(prefix="winback-benchmark-"))
    home.chmod(0o711)
    postgres = None
    try:
        if not os.environ.get("DATABASE_URL"):
            (home / "postgres").mkdir(mode=0o711)
            processes.give_away(home / "postgres")
            postgres = EmbeddedPostgres(home / "postgres", DURABLE)
            os.environ["DATABASE_URL"] = postgres.start()
        for name, value in {
            "DJANGO_SETTINGS_MODULE": "winback.settings",
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nothing here queues
            "SECRET_KEY": "only-for-benchmarks-" * 3,
            "WINBACK_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"only-for-benchmarks-and-never-it").decode(),
            "WINBACK_HOME": str(home / "winback"),
            "WINBACK_PUBLIC_URL": "https://book.example.com",
        }.items():
            os.environ.setdefault(name, value)
        (home / "winback").mkdir()
        setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("sync_catalog", json=True, stdout=StringIO())
        yield home
    finally:
        if postgres is not None:
            from django.db import connections

            connections.close_all()
            postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def setup() -> None:
    """Django, on the server that the environment names."""
    import django

    django.setup()


@dataclass
class Lap:
    """What one piece of work took. Seconds of processor on our side, on PostgreSQL's, by the clock; bytes of WAL."""

    rows: int
    client: float = 0.0
    server: float = 0.0
    wall: float = 0.0
    wal: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """Microseconds of processor a row, both sides."""
        return (self.client + self.server) / self.rows * 1e6

    @property
    def rate(self) -> float:
        """Rows a second by the clock."""
        return self.rows / self.wall


@contextmanager
def lap(rows: int) -> Iterator[Lap]:
    """Measure the work of the block on this process and on its one connection's backend."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), pg_current_wal_insert_lsn()::text")
        backend, before = cursor.fetchone()
    taken = Lap(rows)
    server, client, wall = _cpu_of(backend), time.process_time(), time.perf_counter()
    yield taken
    taken.wall = time.perf_counter() - wall
    taken.client = time.process_time() - client
    taken.server = _cpu_of(backend) - server
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::bigint", [before])
        taken.wal = cursor.fetchone()[0]


def _cpu_of(process: int) -> float:
    """Seconds of processor that a process of this machine has used (Linux; 0 elsewhere)."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as a Markdown table, the first one its head."""
    width = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width[place]) for place, cell in enumerate(row)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (size + 2) for size in width) + "|")
    return "\n".join(lines)
