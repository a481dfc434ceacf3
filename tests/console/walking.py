"""The console's pages by what they are of, and what a row and the audit say after somebody was there.

The pages come from the registry, so that no new one escapes the tests.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from tenants.journal.models import AuditEntry
from tests.console.conftest import Business
from winback.console.deeds import deeds_of
from winback.tenancy import acting_for

INLINE = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*[\"']", re.IGNORECASE)


def registered() -> Iterator[tuple[type[Model], Any]]:
    """Every model of the console with its admin, in a stable order."""
    yield from sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def deed(row: Model, name: str) -> str:
    """The address of a deed on this row."""
    return address(type(row), name, row.pk)


def pages_of_row(model: type[Model], model_admin: Any, row: Any) -> list[str]:
    """The row's own pages, and those of its deeds."""
    return [address(model, page, row.pk) for page in ("change", "history", "delete", *deeds_of(type(model_admin)))]


def inline_parts(response: Any) -> list[str]:
    """Script or style in the page itself, which the policy forbids."""
    found: list[str] = INLINE.findall(response.content.decode())
    return found


def row_now(business: Business, name: str) -> Any:
    """The business's row of this name as it is now."""
    row = business.rows[name]
    with acting_for(business.tenant.pk):
        return type(row)._default_manager.get(pk=row.pk)


def audited_actions(business: Business) -> list[str]:
    """What people have done in this business, the latest last."""
    with acting_for(business.tenant.pk):
        return list(
            AuditEntry.objects.for_tenant(business.tenant).order_by("sequence").values_list("action", flat=True)
        )
