"""What can be done to one row from its page: a button, a permission, and a view that makes one call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

Method = Callable[[Any, HttpRequest, Any], HttpResponseBase | None]


@dataclass(frozen=True)
class Deed:
    """How a deed is offered. ``asks``: it has a form, so its page may be opened by GET; all others are POST alone."""

    name: str
    label: str
    permission: str
    tone: str = ""
    asks: bool = False
    icon: str = ""


@dataclass(frozen=True)
class Button:
    """A deed as the row's page shows it."""

    label: str
    url: str
    tone: str
    asks: bool
    icon: str


def deed(
    label: str, *, permission: str, tone: str = "", asks: bool = False, icon: str = ""
) -> Callable[[Method], Method]:
    """Mark a method ``(self, request, row)`` of a ConsoleAdmin as a deed; it answers a page, or None to go back."""

    def mark(method: Method) -> Method:
        method.deed = Deed(method.__name__, label, permission, tone, asks, icon)  # type: ignore[attr-defined]
        return method

    return mark


def deeds_of(kind: type) -> dict[str, Deed]:
    """The deeds of a class and its bases, by name, in the order in which they are written."""
    found: dict[str, Deed] = {}
    for base in reversed(kind.__mro__):
        for name, method in vars(base).items():
            if isinstance(getattr(method, "deed", None), Deed):
                found[name] = method.deed
    return found
