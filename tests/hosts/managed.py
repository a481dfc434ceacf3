"""PostgreSQL on three hosts under Patroni, whose members agree among themselves (Raft): no other server is needed.

Patroni is no part of winback's requirements. ``WINBACK_PATRONI`` names its executable, in an environment of its own:

    /usr/bin/python3 -m venv /opt/patroni && /opt/patroni/bin/pip install 'patroni[raft]==4.1.5' 'psycopg[binary]'

Root's PostgreSQL runs as ``nobody``, who must be able to read that environment and its Python.
"""

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.servers import PASSWORD, Postgres, Server
from tests.hosts.network import Host
from winback.runtime import processes
from winback.runtime.postgres import _binaries

RAFT_PORT, API_PORT, PORT = 2222, 8008, 5432
# The least that Patroni takes: a leader that has not been heard of for so long is replaced.
TTL_SECONDS = 20


def patroni() -> str:
    """Where it is; empty where nobody says."""
    return os.environ.get("WINBACK_PATRONI", "")


@dataclass
class Managed(Postgres):
    """A server that Patroni makes, starts, promotes and follows."""

    host: Host = field(kw_only=True)
    others: list[str] = field(default_factory=list)

    def launch(self) -> None:
        """Start Patroni; what it makes of its server takes a while, and it may need the others for that."""
        for folder in (self.home, self.home / "raft", self.home / "socket"):
            folder.mkdir(parents=True, exist_ok=True)
            processes.give_away(folder)
        self.home.chmod(0o711)
        self.process = processes.start(
            [*self.before, *self.command()],
            on_parent_death=signal.SIGKILL,
            log=self.home / "log.txt",
            env=processes.clean_environment(),
            cwd="/",
        )

    def command(self) -> list[str]:
        superuser = {"username": "postgres", "password": PASSWORD}
        rules = [
            "local all all scram-sha-256",
            "host all all samenet scram-sha-256",
            "host replication replicator samenet scram-sha-256",
        ]
        told = {
            "scope": "winback",
            "name": f"db{self.host.number}",
            "restapi": {"listen": f"{self.address}:{API_PORT}", "connect_address": f"{self.address}:{API_PORT}"},
            "raft": {
                "data_dir": str(self.home / "raft"),
                "self_addr": f"{self.address}:{RAFT_PORT}",
                "partner_addrs": [f"{other}:{RAFT_PORT}" for other in self.others],
            },
            "bootstrap": {
                "dcs": {"ttl": TTL_SECONDS, "loop_wait": 4, "retry_timeout": 4, "synchronous_mode": True},
                "initdb": [{"encoding": "UTF8"}, {"locale-provider": "builtin"}, {"locale": "C.UTF-8"}, "no-sync"],
            },
            "postgresql": {
                "listen": f"{self.address}:{PORT}",
                "connect_address": f"{self.address}:{PORT}",
                "data_dir": str(self.data),
                "bin_dir": str(_binaries()),
                "pgpass": str(self.home / "pgpass"),
                "pg_hba": rules,
                "authentication": {
                    "superuser": superuser,
                    "replication": {"username": "replicator", "password": PASSWORD},
                },
                "parameters": self.settings | {"unix_socket_directories": str(self.home / "socket")},
            },
        }
        path = self.home / "patroni.yml"
        path.write_text(json.dumps(told))  # JSON is YAML
        return self.as_nobody(patroni(), str(path))

    def leads(self) -> bool:
        try:
            with self.superuser("postgres") as connection:
                return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        except psycopg.OperationalError:
            return False

    def kill(self) -> None:
        """PostgreSQL and Patroni at once: the whole host."""
        for pid in self.host.namespace.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()


@dataclass
class Cluster:
    """The three hosts."""

    hosts: list[Host]
    nodes: list[Managed] = field(default_factory=list)

    @property
    def url(self) -> str:
        places = ",".join(f"{host.inner}:{PORT}" for host in self.hosts)
        options = "target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout=5000"
        return f"postgres://winback:{PASSWORD}@{places}/winback?{options}"

    def start(self, home: Path, made: list[Server]) -> None:
        """The first makes the cluster, the others copy it; one of them is waited for at every commit."""
        addresses = [host.inner for host in self.hosts]
        for host in self.hosts:
            others = [address for address in addresses if address != host.inner]
            where = home / f"database-{host.number}"
            self.nodes.append(Managed(where, host.inner, PORT, host.inside, host=host, others=others))
        for node in self.nodes:
            node.launch()
            made.append(node)
        leader = self.leader()
        leader.wait_for_standby(patience=120)
        leader.make_database()

    def leader(self, *, other_than: Managed | None = None, patience: float = 120) -> Managed:
        end = time.monotonic() + patience
        while True:
            for node in self.nodes:
                if node is not other_than and node.leads():
                    return node
            assert time.monotonic() < end, "nobody leads"
            time.sleep(0.1)
