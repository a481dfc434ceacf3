"""The servers, the nursery and the mailbox of a kill test, and what is counted at its end."""

import base64
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import factories
from tests.faults.nursery import Nursery
from tests.faults.servers import Mailbox, Postgres, Valkey

ON_THEIR_WAY = ("planned", "postponed", "claimed", "handing_over")


@dataclass
class Stage:
    """Everything that a kill test may kill."""

    home: Path
    postgres: Postgres
    valkey: Valkey
    mailbox: Mailbox
    nursery: Nursery
    _ending: threading.Event = field(default_factory=threading.Event)
    restarts: int = 0

    def settings(self) -> dict[str, str]:
        return environment(self.postgres.url, self.valkey.url)

    def watch(self) -> None:
        """Start a server that died again, as whoever looks after it would."""
        while not self._ending.wait(0.05):
            for server in (self.postgres, self.valkey):
                if not server.lives:
                    server.start()
                    self.restarts += 1

    def settle_servers(self) -> None:
        while not (self.postgres.lives and self.valkey.lives and self.postgres.answers() and self.valkey.answers()):
            time.sleep(0.02)

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Asked of the database past row-level security."""
        with self.postgres.superuser() as connection:
            return connection.execute(statement, values).fetchall()

    def expire_leases(self) -> None:
        """As if the leases of dead processes had run out: minutes that a test need not wait."""
        with self.postgres.superuser() as connection:
            connection.execute(
                "UPDATE campaigns_message SET lease_until = '2000-01-01' WHERE state IN ('claimed', 'handing_over')"
            )

    def in_state(self, *states: str) -> int:
        found = self.query("SELECT count(*) FROM campaigns_message WHERE state = ANY(%s)", list(states))
        return int(str(found[0][0]))

    def count(self, tenants: list[int] | None = None) -> "Count":
        rows = self.query(
            "SELECT 'wb-' || id, state FROM campaigns_message WHERE %s::bigint[] IS NULL OR tenant_id = ANY(%s)",
            tenants,
            tenants,
        )
        states = {str(reference): str(state) for reference, state in rows}
        taken = self.mailbox.taken()
        return Count(states, Counter({each: taken[each] for each in taken.keys() & states.keys()}))


@dataclass
class Count:
    """What the database says of each message, and how often the mailbox got it."""

    states: dict[str, str]
    taken: Counter[str]

    def of(self, *states: str) -> set[str]:
        return {reference for reference, state in self.states.items() if state in states}

    @property
    def twice(self) -> set[str]:
        return {reference for reference, number in self.taken.items() if number > 1}

    @property
    def lost(self) -> set[str]:
        """Recorded as handed over, and nobody got it."""
        return self.of("handed_over") - self.taken.keys()

    @property
    def unrecorded(self) -> set[str]:
        """Somebody got it, and the database says that it never left."""
        return self.taken.keys() - self.of("handed_over", "unknown")

    @property
    def unknown(self) -> set[str]:
        return self.of("unknown")

    def assert_each_left_once(self, messages: int) -> None:
        """Of so many messages none left twice, was lost or is on its way still."""
        wrong = {
            "twice": self.twice,
            "lost": self.lost,
            "unrecorded": self.unrecorded,
            "on their way": self.of(*ON_THEIR_WAY),
        }
        assert not any(wrong.values()), wrong
        assert len(self.of("handed_over", "unknown")) == messages


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "winback.settings",
        "SECRET_KEY": "only-for-tests-" * 4,
        "WINBACK_ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"only-for-tests-" * 2 + b"!!").decode(),
        "WINBACK_PUBLIC_URL": "https://book.example.com",
    }


@contextmanager
def staged(*, group: int, think_seconds: float = 0.0) -> Iterator[Stage]:
    """Servers of the test's own, durable, migrated, watched over, and gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="winback-faults-"))
    home.chmod(0o711)
    postgres, valkey = Postgres(home / "postgres"), Valkey(home / "valkey")
    mailbox = Mailbox(home / "mailbox", think_seconds=think_seconds)
    stage: Stage | None = None
    try:
        postgres.make()
        for server in (postgres, valkey, mailbox):
            server.start()
        postgres.make_database()
        settings = environment(postgres.url, valkey.url)
        nursery = Nursery(home / "winback", settings, start=factories.NOW, group=group)
        stage = Stage(home, postgres, valkey, mailbox, nursery)
        nursery.call("tests.faults.ground:prepare")
        watcher = threading.Thread(target=stage.watch, daemon=True)
        watcher.start()
        yield stage
    finally:
        if stage is not None:
            stage._ending.set()
            stage.nursery.stop()
        for each in (mailbox, valkey, postgres):
            if each.lives:
                each.kill()
        shutil.rmtree(home, ignore_errors=True)


def printed(heads: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    """A table for people."""
    table = [heads, *[tuple(str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[place]) for row in table) for place in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n" + "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
