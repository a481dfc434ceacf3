"""Three hosts that work, one with the servers, one that takes the mail, one that could take over the database, and
where it is asked for three more for a queue under Sentinel or a database under Patroni.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import factories
from tests.faults import short
from tests.faults.nursery import Nursery
from tests.faults.servers import Mailbox, Postgres, Server, Valkey
from tests.faults.stage import Stage, environment
from tests.hosts.managed import Cluster
from tests.hosts.network import Host, Network, network
from tests.hosts.watched import Watched

WORKING, PORT = 3, 5432
OF_THEIR_OWN = 3


@dataclass
class Working:
    """A host with a worker or two and a home of its own, so with journals that no other host can read."""

    host: Host
    home: Path
    settings: dict[str, str]
    group: int
    nursery: Nursery = field(init=False)
    lives: bool = True
    at_work: list[int] = field(default_factory=list)

    def boot(self) -> None:
        self.lives = True
        self.nursery = Nursery(self.home, self.settings, start=factories.NOW, group=self.group, before=self.host.inside)

    def work(self, *, scheduler: bool) -> None:
        self.at_work.append(self.nursery.fork("tests.faults.roles:supervise"))
        if scheduler:
            self.at_work.append(self.nursery.fork("tests.faults.roles:schedule"))

    def all_go_on(self) -> bool:
        """Whether nobody who was set to work has ended."""
        return all(self.nursery.wait(pid, 0) is None for pid in self.at_work)

    def die(self) -> None:
        """Without a word to anybody: every process of it at once, or a worker would finish what it has begun."""
        self.lives = False
        for pid in self.host.namespace.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.nursery.stop()


@dataclass
class Machines:
    """All of them, on one network."""

    network: Network
    stage: Stage
    working: list[Working]
    standby: Postgres
    others: list[Server]
    watched: Watched
    cluster: Cluster

    @property
    def mail(self) -> Mailbox:
        return self.stage.mailbox

    def taken(self) -> int:
        return self.mail.book.read_bytes().count(b"\n")

    def wait_until_taken(self, number: int, *, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.taken() < number:
            assert time.monotonic() < end, f"{self.taken()} of {number} taken: {self.states()}"
            time.sleep(0.1)

    def wait_until_done(self, *, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.stage.in_state("planned", "postponed", "claimed", "handing_over"):
            assert time.monotonic() < end, self.states()
            time.sleep(0.5)

    def states(self) -> list[tuple[object, ...]]:
        return self.stage.query("SELECT state, count(*) FROM campaigns_message GROUP BY 1 ORDER BY 1")

    def settle(self, tenants: list[int]) -> None:
        """The regular recovery once more on every host that lives: each reads its own journals."""
        for host in self.working:
            for tenant in tenants if host.lives else ():
                host.nursery.call("tests.faults.ground:recover", tenant=tenant)

    def rate(self, since: float, until: float, *, of: str = "") -> float:
        """How many messages a second left between two moments, of one host or of all."""
        at = [moment for _, peer, moment in self.mail.entries() if not of or peer == of]
        return sum(since <= moment < until for moment in at) / max(until - since, 0.001)


@contextmanager
def machines(
    *, replicated: bool = False, sentinels: bool = False, managed: bool = False, group: int = short.LARGE
) -> Iterator[Machines]:
    """Everything up, migrated; nothing sent yet.

    ``sentinels``: the queue is on three hosts of its own, watched; ``managed``: so is the database, under Patroni.
    """
    home = Path(tempfile.mkdtemp(prefix="winback-hosts-"))
    home.chmod(0o711)
    made: list[Server] = []
    hosts: list[Working] = []
    with network(WORKING + 3 + (OF_THEIR_OWN if sentinels or managed else 0)) as net:
        at_work, (servers, mail, spare) = net.hosts[:WORKING], net.hosts[WORKING : WORKING + 3]
        watched, cluster = Watched(net.hosts[WORKING + 3 :]), Cluster(net.hosts[WORKING + 3 :])
        primary = Postgres(home / "primary", servers.inner, PORT, servers.inside)
        standby = Postgres(home / "standby", spare.inner, PORT, spare.inside)
        valkey = Valkey(home / "valkey", servers.inner, 6379, servers.inside)
        mailbox = Mailbox(home / "mail", mail.outer, 2525, mail.inside)
        try:
            if managed:
                cluster.start(home, made)
                primary = cluster.leader()
            else:
                primary.make()
                _start(primary, made)
                primary.make_database()
            _start(mailbox, made)
            if sentinels:
                watched.start(home, made)
            else:
                _start(valkey, made)
            url = cluster.url if managed else primary.url
            if replicated:
                standby.copy_of(primary)
                _start(standby, made)
                primary.wait_for_standby()
                url = url.replace(f"{servers.inner}:{PORT}", f"{servers.inner}:{PORT},{spare.inner}:{PORT}")
                url += "?target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout=5000"
            queue = watched.url if sentinels else valkey.url
            for host in at_work:
                hosts.append(Working(host, home / f"host-{host.number}", environment(url, queue), group))
                hosts[-1].boot()
            hosts[0].nursery.call("tests.faults.ground:prepare")
            stage = Stage(home, primary, valkey, mailbox, hosts[0].nursery)
            yield Machines(net, stage, hosts, standby, made, watched, cluster)
        finally:
            for working in hosts:
                working.die()
            for server in reversed(made):
                if server.lives:
                    server.kill()
            shutil.rmtree(home, ignore_errors=True)


def _start(server: Server, made: list[Server]) -> None:
    server.start()
    made.append(server)
