"""Every page of the console, from its own addresses: one that is added tomorrow is looked at without being named here.

What is asked about each is in test_every_page.py.
"""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import get_resolver, reverse

from tenants.access.models import User
from tenants.accounts.models import Tenant
from winback.tenancy import acting_for

NO_PAGES = {"app_list", "autocomplete", "jsi18n", "login", "logout", "select_tenant", "view_on_site"}
"""Addresses that show nothing of their own."""

ONE_OF_EACH = {"history"}
"""Pages that look the same for every kind of row: the first stands for all."""

WITH_CHOICES = {
    "tenants_connection_add": ["kind=email&provider=smtp", "kind=email&provider=anymail", "kind=sms&provider=twilio",
                               "kind=sms&provider=gateway"],
    "campaigns_campaign_preview": ["variant={variant}"],
}  # fmt: skip
"""Pages that show more when they are asked for something."""


def pages_of(tenant: Tenant, person: User, **told: Any) -> list[str]:
    """The addresses that answer this person with a page of the console, in the order of their names."""
    client = Client()
    client.force_login(person)
    shown = []
    for path in sorted(_addresses(tenant, told)):
        answer = client.get(path)
        if answer.status_code == 200 and b'<main id="content-start"' in answer.content:
            shown.append(path)
    return shown


def _addresses(tenant: Tenant, told: dict[str, Any]) -> Iterator[str]:
    models = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    models["auth_user"] = User  # as Django calls the page of a password
    names = get_resolver().namespace_dict["admin"][1].reverse_dict
    seen: set[str] = set()
    for name in sorted({each for each in names if isinstance(each, str)} - NO_PAGES):
        wanted = {
            parameter for possibility in names.getlist(name) for _, found in possibility[0] for parameter in found
        }
        if not wanted:
            path = reverse(f"admin:{name}")
        else:
            assert wanted in ({"object_id"}, {"id"}), f"{name} needs {wanted}: say here what it is shown with"
            model = next(
                models[start] for start in sorted(models, key=len, reverse=True) if name.startswith(f"{start}_")
            )
            page = name.rpartition(f"_{model._meta.model_name}_")[2]
            row = None if page in ONE_OF_EACH & seen else _row(model, tenant)
            seen.add(page)
            if row is None:
                continue
            path = reverse(f"admin:{name}", args=[row.pk])
        yield path
        yield from (f"{path}?{query.format(**told)}" for query in WITH_CHOICES.get(name, ()))


def _row(model: type[Model], tenant: Tenant) -> Model | None:
    with acting_for(tenant.pk):
        rows = model._default_manager.all()
        if model is Tenant:
            rows = rows.filter(pk=tenant.pk)
        elif getattr(model, "tenant_scoped", False):
            rows = rows.filter(tenant=tenant)
        return rows.order_by("pk").first()
