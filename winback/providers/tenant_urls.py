"""URLs that a tenant typed in: their form, and which addresses may be called behind them."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from winback.providers.public_addresses import is_public

Resolve = Callable[[str, int], Sequence[str]]

LONGEST_URL = 500

# Where clouds answer with a machine's own credentials: refused even where the operator allows private networks.
_NEVER = frozenset(
    map(
        ip_address,
        ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"),
    )
)


class NotAllowed(ValueError):
    """This address may not be called: the sentence says why, and nothing of what the name resolved to."""


@dataclass(frozen=True)
class Rules:
    """``private``: the operator of this installation allows plain http, and addresses of private networks."""

    private: bool = False


def may_call(text: str, rules: Rules) -> bool:
    """Whether this IP address may be called."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address not in _NEVER and (rules.private or is_public(str(address)))


def checked_url(text: str, rules: Rules) -> str:
    """The URL when its form allows a call; raises NotAllowed. Where its name leads is judged at each call."""
    url = text.strip()
    if not url or len(url) > LONGEST_URL or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or "\\" in url:
        raise NotAllowed(f"Write the URL without blanks, in at most {LONGEST_URL} characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("This is no URL: write it as https://example.com/webhooks.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise NotAllowed("This is no URL: write it as https://example.com/webhooks.")
    if parts.scheme == "http" and not rules.private:
        raise NotAllowed("The URL must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise NotAllowed("A URL must hold no user name or password: what we send is signed.")
    if "#" in url:
        raise NotAllowed("A URL to call has no part after #.")
    if port is not None and (port == 0 or (port < 1024 and port not in (80, 443))):
        raise NotAllowed("Only ports 443, 80, and 1024 or above may be called.")
    try:
        literal = str(ip_address(parts.hostname))
    except ValueError:
        return url
    if not may_call(literal, rules):
        raise NotAllowed("This address is not on the public internet.")
    return url


def resolved(host: str, port: int) -> list[str]:
    """Every address of a name, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))
