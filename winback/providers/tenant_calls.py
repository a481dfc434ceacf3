"""Calls to addresses that a tenant typed in: to the public internet alone, whatever the name resolves to.

The name is resolved once for each connection, every answer is judged, and the connection goes to an address that was
judged: a name that changes its answer in between (DNS rebinding) gains nothing. Redirects are not followed, no proxy
and no ``.netrc`` of the environment is used, the answer is read up to a limit, and the whole call has a deadline that a
server cannot stretch by sending a byte now and then.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any

import certifi
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util import Url, parse_url

from winback.providers.http import retry_after
from winback.providers.tenant_urls import NotAllowed, Resolve, Rules, checked_url, may_call, resolved

LONGEST_ANSWER = 4_096
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 20.0
USER_AGENT = "winback-webhooks/1"


class Unreachable(RuntimeError):
    """No answer came: whether the request arrived is not known."""


@dataclass(frozen=True)
class Answer:
    """What the other side said."""

    status: int
    excerpt: str
    retry_after_seconds: float | None
    milliseconds: int


class Caller:
    """Calls one URL again and again over one connection. Not for several threads at once."""

    def __init__(
        self,
        url: str,
        rules: Rules,
        *,
        resolve: Resolve = resolved,
        seconds: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._url: Url = parse_url(checked_url(url, rules))
        self._seconds = seconds
        guard = _Guard(rules, resolve)
        self._guard = guard
        host, port = str(self._url.host), self._url.port
        told: dict[str, Any] = {
            "port": port, "guard": guard, "maxsize": 1, "retries": False,
            "timeout": Timeout(connect=min(CONNECT_SECONDS, seconds), read=seconds),
        }  # fmt: skip
        self._pool: HTTPConnectionPool
        if self._url.scheme == "https":
            self._pool = _SecurePool(host, ssl_context=tls or _trusted(), **told)
        else:
            self._pool = _PlainPool(host, **told)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send this; raises NotAllowed or Unreachable. Whatever status comes back is an answer."""
        deadline = threading.Timer(self._seconds, self._guard.cut)
        deadline.daemon = True
        started = monotonic()
        deadline.start()
        try:
            response = self._pool.urlopen(
                "POST",
                self._url.request_uri,
                body=body,
                headers={"User-Agent": USER_AGENT, "Accept": "*/*", **headers},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            excerpt = _read(response)
            return Answer(
                status=response.status,
                excerpt=excerpt,
                retry_after_seconds=retry_after(response.headers),
                milliseconds=int((monotonic() - started) * 1000),
            )
        except (HTTPError, OSError, ValueError) as error:
            refused = _refusal_in(error)
            if refused is not None:
                raise refused from error
            raise Unreachable(self._words(error, monotonic() - started)) from error
        finally:
            deadline.cancel()

    def _words(self, error: BaseException, seconds: float) -> str:
        """What happened, without what the name resolved to."""
        if seconds >= self._seconds:
            return f"no answer within {self._seconds:g} seconds"
        if isinstance(error, NewConnectionError):  # a kind of the next, for urllib3
            return "it cannot be reached"
        if isinstance(error, ConnectTimeoutError):
            return "it cannot be reached in time"
        return f"the connection failed ({type(error).__name__})"

    def close(self) -> None:
        self._pool.close()
        self._guard.forget()


def _read(response: Any) -> str:
    """The beginning of the answer; the rest of a long one is not waited for, one that breaks off is not kept."""
    content = b""
    with contextlib.closing(response), contextlib.suppress(HTTPError, OSError):
        content = response.read(LONGEST_ANSWER + 1)
        if len(content) <= LONGEST_ANSWER:
            response.release_conn()
    return readable(content[:LONGEST_ANSWER])


def readable(content: bytes, longest: int = 500) -> str:
    """Bytes of a stranger as one line of text that can be kept and shown."""
    text = content.decode("utf-8", "replace")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:longest]


def _refusal_in(error: BaseException) -> NotAllowed | None:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, NotAllowed):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


@dataclass
class _Guard:
    """Resolves, judges, connects; and holds the cord by which the deadline cuts the connection."""

    rules: Rules
    resolve: Resolve
    _cord: socket.socket | None = field(default=None)

    def connect(self, host: str, port: int, seconds: float) -> socket.socket:
        """A connection to an address of this name that may be called; one that may not makes the name suspect."""
        addresses = self.resolve(host, port)
        if not addresses or not all(may_call(address, self.rules) for address in addresses):
            raise NotAllowed("The name of this URL leads to an address that is not on the public internet.")
        failure: OSError | None = None
        for address in addresses[:4]:
            try:
                made = socket.create_connection((address, port), timeout=seconds)
            except OSError as error:
                failure = error
                continue
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.forget()
            self._cord = made.dup()  # TLS takes the socket itself over
            return made
        raise failure or OSError("no address")

    def cut(self) -> None:
        """End the connection whatever it is doing: its reader wakes up with nothing."""
        if self._cord is not None:
            with contextlib.suppress(OSError):
                self._cord.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        if self._cord is not None:
            self._cord.close()
            self._cord = None


def _open(connection: HTTPConnection, guard: _Guard) -> socket.socket:
    seconds = connection.timeout if isinstance(connection.timeout, int | float) else CONNECT_SECONDS
    try:
        return guard.connect(str(connection._dns_host), int(connection.port or 0), float(seconds))
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, "not reached") from error


class _PlainConnection(HTTPConnection):
    def __init__(self, *args: Any, guard: _Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard

    def _new_conn(self) -> socket.socket:
        return _open(self, self._guard)


class _SecureConnection(HTTPSConnection):
    def __init__(self, *args: Any, guard: _Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._guard = guard

    def _new_conn(self) -> socket.socket:
        return _open(self, self._guard)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
