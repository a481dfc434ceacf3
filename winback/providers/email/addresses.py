"""E-mail addresses that can be written to over plain SMTP."""

import re
from functools import lru_cache

import idna

# Deliberately narrow: what we would quote or encode in a local part, we refuse.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


class UnsafeHeader(ValueError):
    """A header's name or value would break the message or add headers to it."""


class UnusableAddress(UnsafeHeader):
    """No mail can be sent to or from this address."""


def checked_address(address: str) -> str:
    """The address with its domain in ASCII; raises UnusableAddress when plain SMTP cannot carry it.

    The local part must be ASCII: few servers take others (SMTPUTF8), and those that do not bounce the message later.
    """
    local, at, domain = address.strip(" ").rpartition("@")
    if not at or not _LOCAL.match(local) or len(local) > 64:
        raise UnusableAddress("not an address that can be written to")
    whole = f"{local}@{_ascii_domain(domain)}"
    if len(whole) > 254:
        raise UnusableAddress("the address is too long")
    return whole


@lru_cache(maxsize=4096)
def _ascii_domain(domain: str) -> str:
    try:
        # IDNA 2008, as mail servers do it: by the older rules mail for straße.de would go to strasse.de.
        encoded = domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UnusableAddress("the address has a domain that cannot exist") from error
    labels = encoded.split(".")
    if len(encoded) > 253 or not all(_LABEL.match(label) for label in labels):
        raise UnusableAddress("the address has a domain that cannot exist")
    return encoded
