"""Valkey on three hosts, a sentinel beside each: when the master dies or is cut off, the others choose a new one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.faults.servers import PASSWORD, Server, Valkey
from tests.hosts.network import Host
from winback.runtime.valkey import _binary

NAME, PORT, SENTINEL_PORT = "winback", 6379, 26379
SENTINELS_PASSWORD = "only-for-sentinels"
QUORUM = 2
DOWN_AFTER_MILLISECONDS = 1_500


@dataclass
class Replicated(Valkey):
    """A server that follows the first of them, unless the sentinels tell it otherwise."""

    follows: str = ""

    def command(self) -> list[str]:
        command = super().command()
        with (self.home / "valkey.conf").open("a") as configuration:
            configuration.write(f"masterauth {PASSWORD}\nrepl-diskless-sync-delay 0\n")
            if self.follows:
                configuration.write(f"replicaof {self.follows} {PORT}\n")
        return command


@dataclass
class Watcher(Server):
    """A sentinel; what it learns of the others stands in its own file."""

    first_master: str = ""

    def command(self) -> list[str]:
        path = self.home / "sentinel.conf"
        if not path.exists():
            path.write_text(
                f"bind {self.address}\nport {self.port}\nunixsocket {self.home}/socket\ndir {self.home}\n"
                f"requirepass {SENTINELS_PASSWORD}\nsentinel sentinel-pass {SENTINELS_PASSWORD}\n"
                f"sentinel monitor {NAME} {self.first_master} {PORT} {QUORUM}\n"
                f"sentinel auth-pass {NAME} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MILLISECONDS}\n"
                f"sentinel failover-timeout {NAME} 10000\n"
            )
        return [str(_binary()), str(path), "--sentinel"]

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.home / "socket"), password=SENTINELS_PASSWORD)

    def answers(self) -> bool:
        try:
            with self._client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def state(self) -> tuple[str, int, int]:
        """Where it believes the master to be, and how many replicas and other sentinels it knows."""
        with self._client() as client:
            known = client.sentinel_masters()[NAME]
        return known["ip"], known["num-slaves"], known["num-other-sentinels"]


@dataclass
class Watched:
    """The three hosts."""

    hosts: list[Host]
    servers: list[Replicated] = field(default_factory=list)
    sentinels: list[Watcher] = field(default_factory=list)

    @property
    def url(self) -> str:
        places = ",".join(f"{host.inner}:{SENTINEL_PORT}" for host in self.hosts)
        return f"redis+sentinel://:{PASSWORD}@{places}/{NAME}/0?sentinel_password={SENTINELS_PASSWORD}"

    def start(self, home: Path, made: list[Server]) -> None:
        first = self.hosts[0].inner
        for host in self.hosts:
            follows = first if host.inner != first else ""
            where = home / f"valkey-{host.number}"
            self.servers.append(Replicated(where, host.inner, PORT, host.inside, follows=follows))
            where = home / f"sentinel-{host.number}"
            self.sentinels.append(Watcher(where, host.inner, SENTINEL_PORT, host.inside, first_master=first))
        for server in (*self.servers, *self.sentinels):
            server.start()
            made.append(server)
        self.wait_until(lambda: all(each.state() == (first, 2, 2) for each in self.sentinels))

    def host_of(self, address: str) -> Host:
        return next(host for host in self.hosts if host.inner == address)

    def server_at(self, address: str) -> Replicated:
        return next(server for server in self.servers if server.address == address)

    def wait_for_another_master(self, than: str) -> tuple[str, float]:
        """Its address as most of the sentinels see it, and after how many seconds."""
        begun = time.time()

        def seen() -> list[str]:
            return [state[0] for state in (each.state() for each in self.sentinels) if state[0] != than]

        self.wait_until(lambda: len(seen()) >= QUORUM)
        return seen()[0], time.time() - begun

    @staticmethod
    def wait_until(happens: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not happens():
            assert time.monotonic() < end, "the sentinels do not agree"
            time.sleep(0.05)
