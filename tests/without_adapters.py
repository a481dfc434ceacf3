"""The suite with every external service disabled: ``pytest -p tests.without_adapters``.

Only the local outbox and the fakes are left, as on a host that has no account anywhere. The tests of the adapters
themselves are left out, and so is a test that names the service which it then asks for. Whatever else meets a service
that is not there fails: then the product needs one where it must not.
"""

import re
from collections.abc import Mapping
from inspect import getsourcefile
from pathlib import Path
from typing import Any

import pytest

from winback.providers import registry
from winback.providers.account import ProviderAccount

KEPT = frozenset({"local", "fake"})
_present: list[pytest.Item] = []


class Left(dict[str, type[ProviderAccount]]):
    """The providers of a kind that are left; who asks for one that is not is skipped if it says so in its source."""

    def __init__(self, all_of_them: Mapping[str, type[ProviderAccount]]) -> None:
        super().__init__({code: each for code, each in all_of_them.items() if code in KEPT})
        self._gone = frozenset(all_of_them) - KEPT

    def __contains__(self, code: object) -> bool:
        if code in self._gone and _present and re.search(rf"\b{code}\b", _source(_present[-1])):
            pytest.skip(f"it is about {code}")
        return super().__contains__(code)


def _source(item: pytest.Item) -> str:
    """What a test is written in: its module, and the modules that its fixtures stand in."""
    fixtures: Any = getattr(item, "_fixtureinfo", None)
    made = [each.func for found in fixtures.name2fixturedefs.values() for each in found] if fixtures is not None else []
    files = {str(item.path), *(getsourcefile(each) or "" for each in made)}
    return "".join(Path(file).read_text() for file in files if "/tests/" in file)


def pytest_configure(config: pytest.Config) -> None:
    left = {kind: Left(found) for kind, found in registry.KINDS.items()}
    changed: Any = registry
    changed.KINDS, changed.EMAIL, changed.SMS = left, left["email"], left["sms"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Any:
    _present.append(item)
    try:
        return (yield)
    finally:
        _present.pop()


def pytest_ignore_collect(collection_path: Any, config: pytest.Config) -> bool | None:
    parts = collection_path.parts
    return True if "providers" in parts[-3:] and collection_path.name != "conftest.py" else None
