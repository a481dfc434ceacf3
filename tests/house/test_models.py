"""The rules of the house that models keep: tenants, indexes, layers, migrations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

from tenants.accounts.scoping import TenantForeignKey
from winback.tenancy import NoTenantScope, acting_for, acting_for_all, protected_tables

ROOT = Path(__file__).resolve().parents[2]

# Rows of the platform, not of a tenant. Tenant itself is filtered by membership.
OF_THE_PLATFORM = {"Tenant", "User", "InstallationKey", "ScheduledTask", "PlatformSuppression", "Host"}

# Queues over all tenants: looked at by one statement for every tenant, so the tenant cannot come first.
QUEUES = {"contact_stat_due_for_scan"}

# Asked for without a tenant: who signs in is looked up before it is known for whom.
BEFORE_THE_TENANT = {"Membership.user"}

LAYERS = {
    "campaigns": ["audience", "planning", "compliance", "delivery", "tracking", "results", "operating"],
    "tenants": ["accounts", "journal", "access", "plans", "connections", "webhooks", "activation"],
}
APPS = ["catalog", "tenants", "campaigns"]


def our_models() -> Iterator[type[Model]]:
    for label in ("tenants", "campaigns"):
        yield from apps.get_app_config(label).get_models()


def room_of(model: type[Model]) -> str:
    return model.__module__.split(".")[1]


def test_every_tenant_owned_model_is_tenant_scoped() -> None:
    unscoped = {model.__name__ for model in our_models() if not getattr(model, "tenant_scoped", False)}

    assert unscoped == OF_THE_PLATFORM


def test_every_unique_constraint_and_index_begins_with_the_tenant() -> None:
    wrong = []
    for model in our_models():
        if not getattr(model, "tenant_scoped", False):
            continue
        for index in [*model._meta.indexes, *model._meta.constraints]:
            if isinstance(index, models.CheckConstraint) or index.name in QUEUES:
                continue
            fields = list(index.fields)
            expressions: list[Any] = list(getattr(index, "expressions", []))
            first = fields[0] if fields else expressions[0].name
            if first != "tenant":
                wrong.append(f"{model.__name__}.{index.name}")
        wrong += [
            f"{model.__name__}.{field.name}"
            for field in model._meta.local_concrete_fields
            if not field.primary_key and (field.unique or getattr(field, "db_index", False))
        ]

    assert set(wrong) <= BEFORE_THE_TENANT


def test_keys_between_tenant_owned_models_cannot_cross_tenants() -> None:
    crossing = [
        f"{model.__name__}.{field.name}"
        for model in our_models()
        if getattr(model, "tenant_scoped", False)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey)
        and not field.primary_key
        and getattr(field.related_model, "tenant_scoped", False)
        and not isinstance(field, TenantForeignKey)
    ]

    assert crossing == []


def test_no_foreign_key_points_to_a_room_above() -> None:
    upwards = []
    for model in our_models():
        order = LAYERS[model._meta.app_label]
        for field in model._meta.local_concrete_fields:
            target = field.related_model
            if not isinstance(field, models.ForeignKey) or not isinstance(target, type):
                continue
            label = target._meta.app_label
            if label in LAYERS and label == model._meta.app_label:
                if order.index(room_of(target)) > order.index(room_of(model)):
                    upwards.append(f"{model.__name__}.{field.name}")
            elif label in APPS and APPS.index(label) > APPS.index(model._meta.app_label):
                upwards.append(f"{model.__name__}.{field.name}")

    assert upwards == []


@pytest.mark.django_db
def test_every_tenant_owned_table_has_forced_row_level_security_and_composite_keys() -> None:
    with acting_for_all("look at the catalog of PostgreSQL"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity "
            "AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)"
        )
        secured = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT conname FROM pg_constraint WHERE conname LIKE '%\\_same\\_tenant'")
        composite = {row[0] for row in cursor.fetchall()}

    assert protected_tables() <= secured
    expected = {
        f"{model._meta.db_table}_{field.column}_same_tenant"[:63]
        for model in our_models()
        if getattr(model, "tenant_scoped", False)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey) and getattr(field.related_model, "tenant_scoped", False)
    }
    assert expected <= composite


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["campaigns_contact", "CAMPAIGNS_SUPPRESSION", '"tenants_event"'])
def test_a_raw_query_without_a_scope_raises(table: str) -> None:
    with pytest.raises(NoTenantScope), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")


@pytest.mark.django_db
def test_the_role_of_the_application_is_bound_by_row_level_security() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)


def test_rows_of_another_tenant_are_neither_seen_nor_written(two_tenants: tuple[Model, Model]) -> None:
    ours, theirs = two_tenants

    with acting_for(ours.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_brand WHERE tenant_id = %s", [theirs.pk])
        assert cursor.fetchone() == (0,)
        cursor.execute("UPDATE tenants_brand SET name = 'taken' WHERE tenant_id = %s", [theirs.pk])
        assert cursor.rowcount == 0


def test_one_file_names_the_latest_migration_of_each_app() -> None:
    """Two branches that both add a migration conflict in this file, not in production."""
    loader = MigrationLoader(None)
    leaves = "".join(f"{label} {name}\n" for label, name in sorted(loader.graph.leaf_nodes()) if label in APPS)

    assert (ROOT / "docs" / "migrations.txt").read_text() == leaves


# What is not counted has no plural.
UNCOUNTED = {"evidence", "usage"}


def plural_of(name: str) -> str:
    *before, last = name.split(" ")
    if last in UNCOUNTED:
        return name
    if last.endswith("y") and last[-2] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last += "es" if last.endswith(("s", "x", "z", "ch", "sh")) else "s"
    return " ".join([*before, last])


def test_every_model_is_called_in_the_plural_as_one_would_say_it() -> None:
    """Django adds an s to whatever it is: lists, ways to them and questions would speak of batchs and entrys."""
    named = {model._meta.label: model._meta for label in APPS for model in apps.get_app_config(label).get_models()}

    wrong = {
        label: str(meta.verbose_name_plural)
        for label, meta in named.items()
        if meta.verbose_name_plural != plural_of(str(meta.verbose_name))
    }

    assert wrong == {}
