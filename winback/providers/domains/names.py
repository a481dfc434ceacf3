"""Domain names as they are compared: lower case, ASCII, without the last dot."""

import re

import idna

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")

MAILBOX_PROVIDERS = frozenset(
    {
        "gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com",
        "msn.com", "icloud.com", "me.com", "mac.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "proton.me",
        "protonmail.com", "zoho.com", "mail.com", "comcast.net", "att.net",
    }
)  # fmt: skip
"""Domains at which anybody has an address: nobody else can publish their records."""


def plain(domain: str) -> str:
    """The domain in lower-case ASCII; empty when it is none."""
    text = domain.strip().rstrip(".").lower()
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError:
            return ""
    labels = text.split(".")
    return text if len(text) <= 253 and len(labels) > 1 and all(map(_LABEL.match, labels)) else ""


def domain_of(address: str) -> str:
    """The domain of an e-mail address; empty when it has none."""
    return plain(address.rpartition("@")[2]) if "@" in address else ""


def is_under(name: str, domain: str) -> bool:
    """Whether a name is the domain or one of its subdomains."""
    return name == domain or name.endswith(f".{domain}")
