"""Forgetting a person: nothing that names them is left anywhere, they stay away, and the numbers are what they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models
from pytest_django import Settings

from campaigns.audience.models import Contact
from campaigns.operating import erasing
from campaigns.operating.erasure_models import Erasure
from campaigns.operating.holdings import HELD_OTHERWISE, HOLDINGS, NAMES_NOBODY
from tenants.accounts.models import Tenant
from tenants.journal import audit
from tests import factories
from tests.operating import planting

NOW = factories.NOW


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.WINBACK_HOME = tmp_path
    return tmp_path


@pytest.fixture
def planted(tenant: Tenant, home: Path) -> Contact:
    return planting.plant(tenant)


def erase(contact: Contact, **fields: Any) -> Erasure:
    return erasing.erase(contact.tenant, [contact], now=NOW, actor="user 1", **fields)


def test_nothing_that_names_them_is_left_in_any_column_or_file(tenant: Tenant, planted: Contact) -> None:
    before = set(planting.found_in_database())
    assert len({place.partition(".")[0] for place in before}) >= 20
    assert planting.found_in_files(tenant)

    erase(planted)

    assert planting.found_in_database() == []
    assert planting.found_in_files(tenant) == []
    assert audit.verify(tenant) == []


def test_every_model_is_held_or_names_nobody() -> None:
    known = {holding.model for holding in HOLDINGS} | set(HELD_OTHERWISE)
    ours = [model for label in ("tenants", "campaigns") for model in apps.get_app_config(label).get_models()]

    unknown = {model.__name__ for model in ours if model not in known} - NAMES_NOBODY
    with_key = {
        model
        for model in ours
        for field in model._meta.concrete_fields
        if (isinstance(field, models.ForeignKey) and field.related_model is Contact) or field.name == "contact_id"
    }
    assert unknown == set()
    assert with_key <= known
