"""Hosts of the test's own: network namespaces on two switches, in namespaces too. Nothing of this machine's is touched.

Every host has an address on the inner network (the servers) and one on the outer (the mail server), as machines in a
data centre have; a host is cut off by taking its cable out of one of the switches.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from winback.runtime import processes

# Addresses that no real network has (RFC 5737).
INNER, OUTER = "192.0.2", "198.51.100"


def why_not() -> str:
    """Why this machine cannot do it; empty when it can."""
    tried = subprocess.run(
        [
            "unshare",
            "--net",
            "sh",
            "-c",
            "ip link add switch0 type bridge && ip link add here type veth peer name there",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"no network namespaces here: {tried.stderr.strip() or 'not permitted'}"


class Namespace:
    """A network namespace, held by a process that sleeps in it and dies with the test."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=processes.dies_with_parent(signal.SIGKILL),  # noqa: PLW1509 - nothing runs beside it yet
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"up\n"

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def inside(self) -> list[str]:
        """What is written before a command so that it runs here."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def ip(self, *command: str) -> None:
        subprocess.run([*self.inside, "ip", *command], check=True, capture_output=True)

    def processes(self) -> list[int]:
        """All that run in it, but for the one that holds it."""
        here = Path(f"/proc/{self.pid}/ns/net").readlink()
        found = []
        for link in Path("/proc").glob("[0-9]*/ns/net"):
            with suppress(OSError):  # it has just ended
                if link.readlink() == here and int(link.parts[2]) != self.pid:
                    found.append(int(link.parts[2]))
        return found

    def end(self) -> None:
        self._holder.kill()
        self._holder.wait()


@dataclass
class Host:
    """A machine with a cable to each switch."""

    number: int
    namespace: Namespace = field(default_factory=Namespace)

    @property
    def inner(self) -> str:
        return f"{INNER}.{self.number}"

    @property
    def outer(self) -> str:
        return f"{OUTER}.{self.number}"

    @property
    def inside(self) -> list[str]:
        return self.namespace.inside


class Network:
    """So many hosts and the two switches between them."""

    def __init__(self, hosts: int) -> None:
        self._switches = {"inner": Namespace(), "outer": Namespace()}
        for switch in self._switches.values():
            switch.ip("link", "add", "switch", "type", "bridge")
            switch.ip("link", "set", "switch", "up")
        self.hosts = [Host(number) for number in range(1, hosts + 1)]
        for host in self.hosts:
            self._plug("inner", host, host.inner)
            self._plug("outer", host, host.outer)

    def _plug(self, which: str, host: Host, address: str) -> None:
        switch = self._switches[which]
        other_end = ["peer", "name", which, "netns", str(host.namespace.pid)]
        switch.ip("link", "add", f"p{host.number}", "type", "veth", *other_end)
        switch.ip("link", "set", f"p{host.number}", "master", "switch", "up")
        host.namespace.ip("addr", "add", f"{address}/24", "dev", which)
        host.namespace.ip("link", "set", which, "up")

    def cut(self, host: Host) -> None:
        """No way to the servers any more; the mail server still answers."""
        self._switches["inner"].ip("link", "set", f"p{host.number}", "down")

    def mend(self, host: Host) -> None:
        self._switches["inner"].ip("link", "set", f"p{host.number}", "up")

    def end(self) -> None:
        for namespace in (*(host.namespace for host in self.hosts), *self._switches.values()):
            namespace.end()


@contextmanager
def network(hosts: int) -> Iterator[Network]:
    made = Network(hosts)
    try:
        yield made
    finally:
        made.end()
