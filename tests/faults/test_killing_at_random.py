"""A pool of workers sends thousands of messages while somebody dies every 0.1 to 1 second: each message leaves once.

``python3 manage.py test -m faults`` prints what happened. The seed is printed too; WINBACK_FAULTS_SEED repeats it, as
far as chance in the machine allows.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults import short
from tests.faults.stage import ON_THEIR_WAY, Stage, printed, staged

pytestmark = pytest.mark.faults

TENANTS, MESSAGES = 8, 1_000
KILLS = 75
# Who dies how often. The servers come back at once, the queue as an empty one.
LOTS = {"sender": 30, "work horse": 25, "worker": 15, "supervisor": 10, "scheduler": 5, "Valkey": 7, "PostgreSQL": 8}
POOL = {"sender": 2, "supervisor": 3, "scheduler": 1}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(group=short.MEDIUM, think_seconds=0.002) as made:
        yield made


class Pool:
    """Senders beside the queue, workers below supervisors, and the scheduler; who died is replaced at once."""

    def __init__(self, stage: Stage, tenants: list[int], chance: random.Random) -> None:
        self._stage, self._tenants, self._chance = stage, tenants, chance
        self._living: dict[str, list[int]] = {role: [] for role in POOL}

    def fill(self) -> None:
        nursery = self._stage.nursery
        for role, wanted in POOL.items():
            living = [pid for pid in self._living[role] if nursery.wait(pid, 0) is None]
            while len(living) < wanted:
                living.append(self._start(role))
            self._living[role] = living

    def _start(self, role: str) -> int:
        nursery = self._stage.nursery
        if role == "sender":
            return nursery.fork("tests.faults.roles:send", tenant=self._chance.choice(self._tenants))
        if role == "scheduler":
            return nursery.fork("tests.faults.roles:schedule")
        return nursery.fork("tests.faults.roles:supervise")

    def victim(self, who: str) -> int | None:
        """The process of a kind that is to die now; None when there is none at this moment."""
        servers: dict[str, Any] = {"Valkey": self._stage.valkey, "PostgreSQL": self._stage.postgres}
        if who in servers:
            return servers[who].pid if servers[who].lives else None
        found = self._living["supervisor" if who in ("worker", "work horse") else who]
        for _ in range({"worker": 1, "work horse": 2}.get(who, 0)):
            found = [child for pid in found for child in children_of(pid)]
        return self._chance.choice(found) if found else None

    def end(self) -> None:
        """Nobody works any more; what they had claimed stays as it is."""
        for pid in [pid for role in self._living.values() for pid in role]:
            kill(pid)
        for pid in children_of(self._stage.nursery.pid):
            kill(pid)
        self._stage.nursery.settle()


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_each_message_leaves_once_whoever_dies(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("WINBACK_FAULTS_SEED") or time.time_ns() % 1_000_000)
    chance = random.Random(seed)
    where = {"host": stage.mailbox.address, "port": stage.mailbox.port}
    tenants = [
        stage.nursery.call("tests.faults.ground:make", slug=f"shop-{number}", messages=MESSAGES, **where)
        for number in range(TENANTS)
    ]
    pool = Pool(stage, tenants, chance)
    killed: Counter[str] = Counter()
    begun = time.monotonic()
    while killed.total() < KILLS and stage.in_state(*ON_THEIR_WAY):
        pool.fill()
        time.sleep(chance.uniform(0.1, 1.0))
        who = chance.choices(list(LOTS), list(LOTS.values()))[0]
        pid = pool.victim(who)
        if pid is not None:
            kill(pid)
            killed[who] += 1
        stage.settle_servers()
    taken_meanwhile, took = len(stage.mailbox.taken()), time.monotonic() - begun

    while stage.in_state(*ON_THEIR_WAY):  # nobody dies any more: what is left goes out
        pool.fill()
        time.sleep(0.5)
        assert time.monotonic() - begun < took + 120, stage.count().states
    pool.end()

    count = stage.count()
    died_sending = sum(killed[who] for who in ("sender", "work horse", "worker", "supervisor"))
    with capsys.disabled():
        print(printed(("who", "killed"), list(killed.most_common())))
        print(
            f"seed {seed}: {killed.total()} kills in {took:.0f} s, {taken_meanwhile} messages taken meanwhile; "
            f"at the end {len(count.taken)} taken of {len(count.states)}, {len(count.twice)} twice, "
            f"{len(count.lost)} lost, {len(count.unknown)} unknown "
            f"({len(count.unknown - count.taken.keys())} of them never arrived)"
        )
    count.assert_each_left_once(TENANTS * MESSAGES)
    assert len(count.unknown) <= died_sending
