"""docs/api.md lists every address of the developer API with the scope that it asks for, and none that is not there."""

import re

import pytest

from tenants.access.permissions import SCOPES
from tests.data import REPOSITORY
from winback.urls import api

PAGE = (REPOSITORY / "docs" / "api.md").read_text()
LISTED = dict(re.findall(r"^\| `([A-Z]+ /api/\S+)` \| (\S*?) ?\|", PAGE, re.MULTILINE))
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in api.document()["paths"].items()
    for method, operation in methods.items()
}


def test_every_address_is_listed_and_none_that_is_not_there() -> None:
    assert set(LISTED) == set(OPERATIONS)


@pytest.mark.parametrize("address", sorted(OPERATIONS))
def test_the_scope_is_the_one_that_its_description_names(address: str) -> None:
    named = re.findall(r"`([a-z]+:[a-z]+)`", OPERATIONS[address].get("description", ""))
    if named:
        assert LISTED[address].strip("`") == named[-1]


def test_every_scope_is_named() -> None:
    assert all(f"`{scope}`" in PAGE for scope in SCOPES)
