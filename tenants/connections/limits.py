"""How fast a connection may send: what its settings may say of it, as a person writes it down, and what is wrong there.

``per_second`` and ``per_day`` hold for all that leaves through it. ``domain_limits`` is how many messages a second one
mailbox provider gets, by domain: ``{"gmail.com": 20}``. A domain stands for its whole provider, 0 is no limit, and
``false`` in place of it all is none for anybody. ``slow_start``: ``false`` for a sender that mailbox providers know
(campaigns/compliance/ramp.py).
"""

import re
from collections.abc import Mapping
from typing import Any

from winback.providers.domains.names import plain

GROUPS: Mapping[str, tuple[float, frozenset[str]]] = {
    "google": (10, frozenset({"gmail.com", "googlemail.com"})),
    "yahoo": (5, frozenset({"yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "verizon.net", "att.net"})),
    "microsoft": (5, frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})),
    "apple": (3, frozenset({"icloud.com", "me.com", "mac.com"})),
    "comcast": (2, frozenset({"comcast.net", "xfinity.com"})),
}
"""Mailbox providers, and how many messages a second one sender should bring them at most: about what a sender of good
repute is let through without being deferred. A new domain does better with less (docs/deliverability.md)."""

ELSEWHERE = 20.0
MOST_A_SECOND = 1_000
MOST_DOMAINS = 50
NO_LIMITS = "none"
_GROUP_OF = {domain: group for group, (_, domains) in GROUPS.items() for domain in domains}
_NOBODYS = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")
"""Reserved names (RFC 2606): no mailbox provider is there to be spared."""
_LINE = re.compile(r"(\S+?)\s*[\s:=]\s*(\S+)\Z")


class LimitsInvalid(ValueError):
    """What was written is no limit; the message says which line, and how to write it."""


def rate_to(domain: str, told: object) -> tuple[str, float]:
    """The mailbox provider of a domain, and how many messages a second it gets; 0: as many as there are."""
    own = told if isinstance(told, Mapping) else {}
    group = _GROUP_OF.get(domain, domain)
    named = next((each for each in own if each in (domain, group) or _GROUP_OF.get(each) == group), None)
    if named is not None:
        return group, number(own[named])
    if told is False or any(domain == name or domain.endswith(f".{name}") for name in _NOBODYS):
        return group, 0.0
    return group, GROUPS[group][0] if group in GROUPS else ELSEWHERE


def number(value: object) -> float:
    """A setting as a number; what is none sets no limit (nothing else gets in)."""
    try:
        return max(float(value), 0.0) if isinstance(value, int | float | str) and value != "" else 0.0
    except ValueError:
        return 0.0


def read_domain_limits(text: str) -> dict[str, float] | bool | None:
    """What a person wrote, a domain and a number in each line; None for nothing. Raises LimitsInvalid."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    if [line.lower() for line in lines] == [NO_LIMITS]:
        return False
    found: dict[str, float] = {}
    for line in lines:
        parts = _LINE.match(line)
        if parts is None:
            raise LimitsInvalid(f"“{line}”: write a domain and a number, such as gmail.com 20.")
        domain, rate = parts[1].lower(), parts[2]
        if domain in found:
            raise LimitsInvalid(f"{domain} is there twice: keep one.")
        found[domain] = _rate(domain, rate)
    return checked_domain_limits(found)


def checked_domain_limits(told: object) -> dict[str, float] | bool:
    """``domain_limits`` as it is kept; raises LimitsInvalid with what is wrong."""
    if told is False:
        return False
    if not isinstance(told, Mapping):
        raise LimitsInvalid('domain_limits is an object such as {"gmail.com": 20}, or false for no such limits.')
    if len(told) > MOST_DOMAINS:
        raise LimitsInvalid(f"{len(told)} domains: name at most {MOST_DOMAINS}; the usual limits hold for the others.")
    found: dict[str, float] = {}
    groups: dict[str, str] = {}
    for name, rate in told.items():
        domain = plain(str(name)) or (name if name in GROUPS else "")
        if not domain:
            raise LimitsInvalid(f"“{name}” is no domain: write what stands behind the @, such as gmail.com.")
        group = _GROUP_OF.get(domain, domain)
        if group in groups:
            raise LimitsInvalid(f"{groups[group]} and {domain} are one mailbox provider: keep one of them.")
        groups[group] = domain
        found[domain] = _rate(domain, rate)
    return found


def check_limits(options: Mapping[str, Any]) -> None:
    """Raise LimitsInvalid when settings hold a limit that is none."""
    for name in ("per_second", "per_day"):
        if options.get(name) not in (None, ""):
            _rate(name, options[name], most=None)
    if options.get("domain_limits") is not None:
        checked_domain_limits(options["domain_limits"])
    if not isinstance(options.get("slow_start", True), bool):
        raise LimitsInvalid("slow_start is true, or false for a sender that mailbox providers know.")


def written(told: object) -> str:
    """``domain_limits`` as a person writes it."""
    if told is False:
        return NO_LIMITS
    return "\n".join(f"{name} {told[name]:g}" for name in sorted(told)) if isinstance(told, Mapping) else ""


def usual() -> str:
    """The limits that hold where nobody wrote another, in words."""
    named = ", ".join(f"{group.capitalize()} {rate:g}" for group, (rate, _) in GROUPS.items())
    return f"{named}, any other domain {ELSEWHERE:g}"


def _rate(what: str, value: object, *, most: int | None = MOST_A_SECOND) -> float:
    try:
        rate = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        rate = -1.0
    if not 0 <= rate < float("inf") or (most is not None and rate > most):
        upto = f" to {most:,}" if most is not None else " on"
        raise LimitsInvalid(f"{what}: “{value}” is no number from 0{upto} (0: no limit).")
    return rate
