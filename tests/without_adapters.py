"""The suite with every external service disabled: ``pytest -p tests.without_adapters``.

Only the local outbox and the fakes are left, as on a host that has no account anywhere. The tests of the adapters
themselves are left out.
"""

from typing import Any

import pytest

from winback.providers import registry

KEPT = frozenset({"local", "fake"})


def pytest_configure(config: pytest.Config) -> None:
    for found in registry.KINDS.values():
        remove: Any = found
        for code in [code for code in found if code not in KEPT]:
            del remove[code]


def pytest_ignore_collect(collection_path: Any, config: pytest.Config) -> bool | None:
    parts = collection_path.parts
    return True if "providers" in parts[-3:] and collection_path.name != "conftest.py" else None
