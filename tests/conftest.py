"""Fixtures for every test: time, tenants, and the scope that a test acts in."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from tenants.accounts.models import Tenant
from tests import factories
from winback.tenancy import acting_for, acting_for_all


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
