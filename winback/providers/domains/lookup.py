"""Asking the DNS: an answer, an empty answer, or no answer at all, which is never taken for an empty one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.flags
import dns.name
import dns.resolver

_SECONDS = 4.0
_LIFETIME = 10.0


class LookupFailed(Exception):
    """The DNS did not answer (a time-out, a broken zone): nothing is known, so nothing is judged."""


@dataclass(frozen=True)
class Found:
    """The records of a name, and whether the name exists at all."""

    records: tuple[str, ...] = ()
    exists: bool = True

    @property
    def void(self) -> bool:
        return not self.records


class Lookup:
    """Looks names up and remembers the answers. ``servers``: as ``127.0.0.1:5353``; none: those of this host."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            # Each with its own port: dnspython keeps ports by address.
            pairs = [server.rpartition(":") if server.count(":") == 1 else (server, ":", "53") for server in servers]
            self._resolver.nameservers = [host for host, _, _ in pairs]
            self._resolver.nameserver_ports = {host: int(port) for host, _, port in pairs}
        self._resolver.timeout = _SECONDS
        self._resolver.lifetime = _LIFETIME
        self._known: dict[tuple[str, str], Found | LookupFailed] = {}

    def txt(self, name: str) -> Found:
        """The texts of a name, each put together from its strings."""
        return self._ask(name, "TXT", lambda rdata: b"".join(rdata.strings).decode("utf-8", "replace"))

    def mx(self, name: str) -> Found:
        """The mail exchangers, in their order."""
        return self._ask(
            name, "MX", lambda rdata: str(rdata.exchange).rstrip("."), order=lambda rdata: rdata.preference
        )

    def addresses(self, name: str) -> Found:
        """The IPv4 and IPv6 addresses."""
        four = self._ask(name, "A", str)
        six = self._ask(name, "AAAA", str)
        return Found((*four.records, *six.records), four.exists or six.exists)

    def _ask(
        self, name: str, kind: str, read: Callable[[Any], str], *, order: Callable[[Any], int] | None = None
    ) -> Found:
        name = name.rstrip(".").lower()
        if (name, kind) not in self._known:
            self._known[name, kind] = self._asked(name, kind, read, order)
        known = self._known[name, kind]
        if isinstance(known, LookupFailed):
            raise known
        return known

    def _asked(
        self, name: str, kind: str, read: Callable[[Any], str], order: Callable[[Any], int] | None
    ) -> Found | LookupFailed:
        try:
            answer = self._resolver.resolve(name + ".", kind, search=False)
        except dns.resolver.NXDOMAIN:
            return Found(exists=False)
        except dns.resolver.NoAnswer:
            return Found()
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            if isinstance(error, dns.name.LabelTooLong | dns.name.NameTooLong | dns.name.EmptyLabel | UnicodeError):
                return Found(exists=False)
            return LookupFailed(f"The DNS gives no answer for {name} ({kind}): try again later.")
        rows = sorted(answer, key=order) if order is not None else list(answer)
        return Found(tuple(read(row) for row in rows))
