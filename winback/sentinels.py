"""The address of Redis or Valkey: of one server, or of the sentinels that know which of several is the master now.

    redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/service[/db][?sentinel_password=…]

User and password are those of the servers; the sentinels' own are ``sentinel_username`` and ``sentinel_password``.
``rediss+sentinel`` speaks TLS with both. Other options are those of redis-py's addresses, for the servers. Whoever
connects by ``client`` follows a failover by itself: each new connection asks the sentinels for the master.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import URL_QUERY_ARGUMENT_PARSERS, SSLConnection, parse_url
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from winback.environment import checked_address

SCHEMES = ("redis+sentinel", "rediss+sentinel")
FORM = "redis+sentinel://:password@host:26379,host:26379,host:26379/master/0"
PORT = 26379
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0  # redis-py's own for one server
# Each sentinel is asked in turn: one whose host is gone may not hold up a failover for long.
SENTINEL_SECONDS = 1.0


class Following(SentinelManagedConnection):
    """A connection that asks the sentinels whenever it is made anew.

    redis-py's own, when it is lost in the middle of a command, is made anew to where it was: who is patient would knock
    at the dead master's door for ever.
    """

    def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        if retry_socket_connect and not self._sock:
            self.connect()  # type: ignore[no-untyped-call]  # it asks, and comes back here by the other way
        else:
            super().connect_check_health(check_health, retry_socket_connect)


class FollowingByTls(Following, SSLConnection):
    """The same with TLS."""


class NoSentinels(ValueError):
    """The address names sentinels, and not in a way that can be understood; no part of it is repeated: it may be what
    somebody meant for a password."""


@dataclass(frozen=True)
class Sentinels:
    """What an address says: the sentinels, the name of the master there, and how to connect to either."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    to_master: Mapping[str, Any] = field(default_factory=dict)
    to_sentinels: Mapping[str, Any] = field(default_factory=dict)

    def client(self, **options: Any) -> Redis:
        """A client of whichever server is the master; it finds the new one after a failover."""
        manager: Any = Sentinel  # redis-py says nothing of its types
        connected: Redis = manager(self.hosts, sentinel_kwargs=dict(self.to_sentinels), **self.to_master).master_for(
            self.service, **options
        )
        return connected

    def names(self) -> set[str] | None:
        """The masters that the sentinels know by name; None when none of them answers."""
        answered, found = False, set[str]()
        for host, port in self.hosts:
            try:
                with Redis(host, port, **self.to_sentinels) as sentinel:
                    found |= {str(name) for name in sentinel.sentinel_masters()}
                answered = True
            except RedisError:
                continue
        return found if answered else None


def sentinels_of(url: str) -> Sentinels | None:
    """The sentinels that an address names; None for that of one server. Raises NoSentinels."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in SCHEMES:
        return None
    place, _, query = rest.partition("?")
    netloc, _, path = place.partition("/")
    user, at, hosts = netloc.rpartition("@")
    service, _, database = path.strip("/").partition("/")
    if not service:
        raise NoSentinels("names no master: write behind the hosts what the sentinels call it")
    if database and not database.isdecimal():
        raise NoSentinels("has something else where the number of a database belongs")
    places = tuple(_host(each) for each in hosts.split(","))
    try:
        told: dict[str, Any] = parse_url(f"redis://{user}{at}nowhere?{query}")  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise NoSentinels("has an option whose value cannot be read") from error
    told.pop("host")
    own = {name: told.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in told}
    if not all(_is_option(name) for name in told):
        raise NoSentinels("has an option that redis-py does not know")
    secure = {name: value for name, value in told.items() if name.startswith("ssl_")}
    by_tls = scheme.lower() == SCHEMES[1]
    if by_tls:
        secure["ssl"] = True
    elif secure:
        raise NoSentinels("has options for TLS without TLS: write rediss+sentinel://")
    return Sentinels(
        places,
        unquote(service),
        to_master={
            "db": int(database or 0),
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "connection_class": FollowingByTls if by_tls else Following,
        }
        | told
        | secure,
        to_sentinels={
            "socket_timeout": SENTINEL_SECONDS,
            "socket_connect_timeout": SENTINEL_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        | own
        | secure,
    )


def _is_option(name: str) -> bool:
    return name in ("username", "password") or name.startswith("ssl_") or name in URL_QUERY_ARGUMENT_PARSERS


def _host(text: str) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[address]:port``."""
    name, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        name, port = text, str(PORT)
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    elif ":" in name:
        raise NoSentinels("has a host with more than one colon: write an IPv6 address in brackets")
    if not name.strip() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise NoSentinels("has no host, or no port, where one belongs (in a password / @ : ? are %2F %40 %3A %3F)")
    return unquote(name.strip()), int(port)


def checked(name: str, url: str) -> str:
    """The address, if it is one; else a sentence that names the variable and what is wrong, but no password."""
    try:
        if sentinels_of(url) is not None:
            return url
    except NoSentinels as error:
        raise ImproperlyConfigured(f"{name} {error}. Its form is {FORM}") from error
    return checked_address(name, url, ("redis", "rediss", "unix"), f"redis://:password@host:6379/0 or {FORM}")


def client(url: str, **options: Any) -> Redis:
    """A client of the server, or of the master that the sentinels name; ``options`` as redis-py has them."""
    found = sentinels_of(url)
    if found is not None:
        return found.client(**options)
    more = {} if url.startswith("unix:") else {"socket_connect_timeout": CONNECT_SECONDS}
    return Redis.from_url(url, **more | options)


def rq_settings(url: str) -> dict[str, Any]:
    """The same address in the words of django-rq's RQ_QUEUES."""
    found = sentinels_of(url)
    if found is None:
        return {"URL": url}
    more = dict(found.to_master)
    return {
        "SENTINELS": list(found.hosts),
        "MASTER_NAME": found.service,
        "DB": more.pop("db"),
        "USERNAME": more.pop("username", None),
        "PASSWORD": more.pop("password", None),
        "CONNECTION_KWARGS": more,
        "SENTINEL_KWARGS": dict(found.to_sentinels),
    }
