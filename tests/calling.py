"""The developer API as a program calls it."""

import json
from collections.abc import Callable
from typing import Any

from django.test import Client

Call = Callable[..., Any]


def caller(client: Client, under: str, key: str) -> Call:
    """Ask with this key (or another), with JSON, at an address under this one."""

    def ask(method: str, address: str = "", body: Any = None, key: str = key, **headers: str) -> Any:
        return client.generic(
            method,
            f"{under}{address}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}", **headers},
        )

    return ask
