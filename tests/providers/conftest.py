"""The other side of a provider: a server that answers as the test's ``account`` says."""

from collections.abc import Callable, Iterator

import pytest

from tests.providers.http_server import Answer, HttpServer, Request, serving


@pytest.fixture
def server(account: Callable[[Request], Answer]) -> Iterator[HttpServer]:
    with serving(account) as running:
        yield running
