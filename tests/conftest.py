"""Fixtures for every test: time, tenants, and the scope that a test acts in."""

import contextvars
from collections.abc import Generator, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog.sync import sync
from tenants.accounts.models import Tenant
from tests import factories
from winback import tenancy
from winback.tenancy import acting_for, acting_for_all

_CLOCK = timezone.now


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None]:
    """A test that leaves another clock behind fails itself, not one of those that come after it."""
    yield
    left, timezone.now = timezone.now, _CLOCK
    assert left is _CLOCK


@pytest.fixture
def now() -> datetime:
    """30 September 2026, noon in Chicago."""
    return factories.NOW


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    """A tenant, with its scope open for the whole test."""
    with acting_for_all("test set-up"):
        made = factories.make_tenant()
    with acting_for(made.pk):
        yield made


@pytest.fixture
def two_tenants(db: None) -> Iterator[tuple[Tenant, Tenant]]:
    """Two tenants with both in scope; open acting_for(one.pk) inside to act for one alone."""
    with acting_for_all("test with two tenants"):
        yield factories.make_tenant(), factories.make_tenant()


class OutsideClient(Client):
    """A web client that stands outside the test's own tenant scope, as a browser does."""

    def request(self, **request: Any) -> Any:
        scope = tenancy.current_scope()
        try:
            return contextvars.copy_context().run(self._without_scope, request)
        finally:
            if scope is not None:
                tenancy._apply(scope)  # the request closed its own scope; the test's is open still

    def _without_scope(self, request: dict[str, Any]) -> Any:
        tenancy._current.set(None)
        return super().request(**request)


@pytest.fixture
def client() -> Client:
    return OutsideClient()


@pytest.fixture
def catalog(db: None) -> None:
    """The whole catalog, loaded."""
    sync(factories.NOW)
