"""A home for embedded services, made for each test and emptied of every process after it."""

from collections.abc import Iterator

import pytest

from tests.runtime.living import Home, new_home


@pytest.fixture
def home() -> Iterator[Home]:
    with new_home() as made:
        yield made
