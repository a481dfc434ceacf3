"""A person of whom everything is known that can be known of anybody."""

from pathlib import Path

import pytest
from pytest_django import Settings

from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tests.operating import planting


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.WINBACK_HOME = tmp_path
    return tmp_path


@pytest.fixture
def planted(tenant: Tenant, home: Path) -> Contact:
    return planting.plant(tenant)
