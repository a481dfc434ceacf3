"""Two businesses with one row of everything, and people of every role."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from catalog.models import Niche, Plan
from tenants.access.models import User
from tenants.accounts.models import Tenant
from tests import factories
from tests.conftest import OutsideClient
from tests.console import furnishing
from winback.tenancy import acting_for_all


@dataclass
class Business:
    """A tenant, one row of every noun, and its people."""

    tenant: Tenant
    rows: dict[str, Any]
    people: dict[str, User]
    mark: str


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def businesses(db: None) -> tuple[Business, Business]:
    """Ours and theirs; no scope is left open."""
    for kind, model, code in (("plans", Plan, "starter"), ("niches", Niche, "cleaning")):
        factories.catalog_row(model, kind, code)
    made = []
    with acting_for_all("test set-up"):
        for slug, mark in (("oak-heating", "oakmark"), ("elm-cooling", "elmmark")):
            tenant = factories.make_tenant(slug)
            rows = furnishing.furnish(tenant, mark)
            people = {role: furnishing.member(tenant, role) for role in furnishing.ROLES}
            rows["membership"] = people["analyst"].memberships.get()
            made.append(Business(tenant, rows, people, mark))
    return made[0], made[1]


@pytest.fixture
def ours(businesses: tuple[Business, Business]) -> Business:
    return businesses[0]


@pytest.fixture
def theirs(businesses: tuple[Business, Business]) -> Business:
    return businesses[1]


@pytest.fixture
def root(db: None) -> User:
    """Platform staff."""
    return furnishing.make_person("root@example.com", is_superuser=True)


@pytest.fixture
def browse() -> Any:
    """A signed-in client for a person."""

    def signed_in(person: User) -> Client:
        client = OutsideClient()
        client.force_login(person)
        return client

    return signed_in


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    """Where files are kept while a test runs."""
    settings.WINBACK_HOME = tmp_path
    return tmp_path


@pytest.fixture
def operator(ours: Business, browse: Callable[[User], Client]) -> Client:
    return browse(ours.people["operator"])
