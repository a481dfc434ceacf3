"""Columns of lists and fields of pages: words as pills, JSON as text, links between rows."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from winback.console import formatting
from winback.console.formatting import words
from winback.console.templatetags.console import pill


def pill_column(name: str, title: str = "", *, ordering: str | None = None) -> Callable[[Any], SafeString | str]:
    """``state = pill_column("state")``: the field's word with its colour."""

    @admin.display(description=title or name.replace("_", " ").capitalize(), ordering=ordering)
    def column(row: Any) -> SafeString | str:
        value = getattr(row, name)
        return pill(value) if value else "–"

    return column


def money_column(name: str, currency: str, title: str, *, ordering: str | None = None) -> Callable[[Any], str]:
    """Minor units as money; ``currency`` is a dotted path from the row."""

    @admin.display(description=title, ordering=ordering)
    def column(row: Any) -> str:
        value = reach(row, name)
        return "–" if value is None else formatting.money(value, str(reach(row, currency)))

    return column


def code_column(name: str, title: str = "", *, ordering: str | None = None) -> Callable[[Any], str]:
    """A code such as ``not_in_plan`` as words."""

    @admin.display(description=title or name.replace("_", " ").capitalize(), ordering=ordering)
    def column(row: Any) -> str:
        return words(reach(row, name))

    return column


def json_field(name: str, title: str = "") -> Callable[[Any], SafeString | str]:
    """A JSON value as indented text on a page."""

    @admin.display(description=title or name.replace("_", " ").capitalize())
    def column(row: Any) -> SafeString | str:
        return json_text(getattr(row, name))

    return column


def json_text(value: Any) -> SafeString | str:
    """A JSON value as indented text."""
    if isinstance(value, str) and value:
        return format_html("<pre>{}</pre>", value)
    if value in (None, "", {}, []):
        return "–"
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, default=str))


def link_column(name: str, title: str = "") -> Callable[[Any], SafeString | str]:
    """The row that a key points to, as a link to its page."""

    @admin.display(description=title or name.replace("_", " ").capitalize())
    def column(row: Any) -> SafeString | str:
        return link_to(reach(row, name))

    return column


def link_to(row: Model | None, text: str = "") -> SafeString | str:
    """A link to the row's page, or its name where it has none."""
    if row is None:
        return "–"
    url = address_of(row)
    return format_html('<a href="{}">{}</a>', url, text or str(row)) if url else text or str(row)


def address_of(row: Model) -> str:
    """Where a row's page is; empty where it has none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return ""


def reach(row: Any, path: str) -> Any:
    """``reach(job, "contact.stat.total_minor")``: None as soon as there is nothing."""
    for part in path.split("."):
        if row is None:
            return None
        row = getattr(row, part, None)
    return row
