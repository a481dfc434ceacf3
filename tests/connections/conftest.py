"""A business whose connections a program may change."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tests import factories
from tests.calling import Call, caller
from tests.console import furnishing
from winback.tenancy import acting_for, acting_for_all


@pytest.fixture
def business(transactional_db: None, settings: Any, tmp_path: Path) -> Tenant:
    settings.WINBACK_HOME = tmp_path
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant("oak")
        furnishing.member(tenant, "owner", "owner@oak.example")
    return tenant


@pytest.fixture
def call(client: Client, business: Tenant) -> Call:
    with acting_for(business.pk):
        _, key = create_key(business, name="test", now=timezone.now(), scopes=["connections:manage"])

    return caller(client, "/api/connections", key)
