"""What a gateway is told that people may read again must hold no key: there is a place for it that is encrypted."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from winback.providers.errors import ProviderMisconfigured

PLACE = "{secret}"
_KEY = re.compile(
    r"(api|app|access|auth|account|client|user|security|secret|bearer|private|license|x)*"
    r"(key|token|secret|password|passwort|passwd|pass|pwd|authorization)"
)
_BETWEEN = re.compile(r"[^a-z0-9]+")


def check(told: Callable[[str], str], body: Any) -> None:
    """Raise ProviderMisconfigured where a key stands in the address or the body; what stands there is not quoted."""
    try:
        address = urlsplit(told("url"))
    except ValueError as error:
        raise ProviderMisconfigured("The gateway's address cannot be read.") from error
    if address.username or address.password:
        raise ProviderMisconfigured(
            "The address has a password in it: choose “basic”, and give User name and Password, token or key instead."
        )
    for where, pairs in (("address", parse_qsl(address.query)), ("body", _pairs(body))):
        for name, value in pairs:
            if "{" not in value and _KEY.fullmatch(_BETWEEN.sub("", name.lower())):
                raise ProviderMisconfigured(
                    f"The {where} has a key in it, as “{name}”: write {PLACE} in its place, and the key itself into "
                    "“Password, token or key”, where it is kept encrypted."
                )
    if PLACE in told("url") + told("body") and not told("secret"):
        raise ProviderMisconfigured("The gateway's secret is missing.")


def _pairs(document: Any) -> Iterator[tuple[str, str]]:
    """Each name in a document with the text that stands under it."""
    if isinstance(document, dict):
        for name, value in document.items():
            named = name == "key" and "value" in document  # one of a list of names and values
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "" and not named:
                yield str(name), str(value)
            yield from _pairs(value)
    elif isinstance(document, list):
        for each in document:
            yield from _pairs(each)
