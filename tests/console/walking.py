"""Every page of the console that a row has, from the registry, so that no new page escapes the tests."""

import re
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from winback.console.deeds import deeds_of

INLINE = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*[\"']", re.IGNORECASE)


def registered() -> Iterator[tuple[type[Model], Any]]:
    """Every model of the console with its admin, in a stable order."""
    yield from sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def pages_of_row(model: type[Model], model_admin: Any, row: Any) -> list[str]:
    """The row's own pages, and those of its deeds."""
    return [address(model, page, row.pk) for page in ("change", "history", "delete", *deeds_of(type(model_admin)))]


def inline_parts(response: Any) -> list[str]:
    """Script or style in the page itself, which the policy forbids."""
    found: list[str] = INLINE.findall(response.content.decode())
    return found
