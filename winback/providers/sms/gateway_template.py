"""How a gateway is told what to send, and where in its answers something stands: templates and JSON pointers."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from winback.providers.errors import ProviderMisconfigured

PLACEHOLDERS = ("to", "from", "text", "reference", "callback", "secret")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_DEEPEST = 20


def parsed(told: str, what: str) -> Any:
    """A setting that is JSON; raises ProviderMisconfigured, which does not quote it: a key may stand in it."""
    try:
        return json.loads(told)
    except (ValueError, RecursionError) as error:
        where = f" (character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        raise ProviderMisconfigured(f"{what}: this is not JSON{where}.") from None


def checked(template: Any, what: str) -> Any:
    """The template, once every placeholder in it is known; raises ProviderMisconfigured."""
    unknown = sorted(set(_PLACEHOLDER.findall(json.dumps(template))) - set(PLACEHOLDERS))
    if unknown:
        raise ProviderMisconfigured(
            f"{what} has a placeholder {{{unknown[0]}}}; there are {', '.join(f'{{{name}}}' for name in PLACEHOLDERS)}."
        )
    return template


def filled(template: Any, values: Mapping[str, str]) -> Any:
    """The template with its placeholders filled, in the texts of an already parsed document.

    What a value contains can therefore be no part of the document, and a placeholder in a value stays as it is.
    """
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group(0)), template)
    if isinstance(template, list):
        return [filled(each, values) for each in template]
    if isinstance(template, dict):
        return {name: filled(each, values) for name, each in template.items()}
    return template


def filled_address(address: str, values: Mapping[str, str]) -> str:
    """The address with its placeholders filled, each escaped as one part of it."""
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found.group(1), ""), safe=""), address)


def at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer (RFC 6901) such as ``/messages/0/id``; None where nothing does."""
    if pointer and not pointer.startswith("/"):
        return None
    for step in pointer.split("/")[1 : _DEEPEST + 1]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and len(name) < 6 and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def text_at(document: Any, pointer: str) -> str:
    """A text or a number at a pointer, as text; empty where there is none."""
    found = at(document, pointer) if pointer else None
    return str(found) if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


def statuses(told: str, what: str) -> frozenset[int]:
    """``200-299, 409`` as the numbers that it names; raises ProviderMisconfigured."""
    named: set[int] = set()
    for part in filter(None, (each.strip() for each in told.split(","))):
        found = re.fullmatch(r"([1-5]\d\d)(?:-([1-5]\d\d))?", part)
        if found is None:
            raise ProviderMisconfigured(f"{what}: write HTTP statuses such as 200-299, 409; not {part[:20]!r}.")
        named.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    return frozenset(named)
