"""Addresses that a tenant may have us call: public ones alone, looked at when the connection is made.

A check of the address beforehand would be passed by a name that resolves to something else a moment later, so the
connection itself resolves, refuses if any answer is private, and goes to the very address that was looked at.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from winback.providers import http
from winback.providers.errors import ProviderMisconfigured

# What is_global does not exclude (Python 3.11), or excludes in some versions alone.
_DENIED = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's own services
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",  # IPv4 in another dress
        "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10",
        "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


def is_public(address: str) -> bool:
    """Whether this IP address is one of the public internet."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return is_public(str(parsed.ipv4_mapped))
    denied = any(parsed.version == network.version and parsed in network for network in _DENIED)
    return parsed.is_global and not denied


def _connected(connection: Any) -> socket.socket:
    """The socket of a connection, to an address that was looked at."""
    host = str(connection.host).strip("[]").rstrip(".")
    try:
        found = [entry[4][0] for entry in socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        found = []
    if found and not settings.WINBACK_ALLOW_PRIVATE_ADDRESSES and not all(is_public(str(each)) for each in found):
        raise ProviderMisconfigured(
            "The address leads into a private network, which is not called. Whoever runs this installation can allow "
            "it by WINBACK_ALLOW_PRIVATE_ADDRESSES."
        )
    # From here on the name is not asked again; where nothing was found, the usual error says so.
    named, connection._dns_host = connection._dns_host, str(found[0]) if found else connection._dns_host
    try:
        made: socket.socket = super(type(connection), connection)._new_conn()
        return made
    finally:
        connection._dns_host = named


class _Http(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _Https(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _PublicOnly(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def public_only(session: requests.Session) -> requests.Session:
    """The session, strict, reaching public addresses alone, and by no proxy (which would resolve for itself)."""
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _PublicOnly())
    return http.strict(session)
