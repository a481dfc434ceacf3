"""What stands in the sidebar: sections, the models in them, and pages that belong to no model."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

HOME = ""
SECTIONS = (HOME, "Audience", "Campaigns", "Automation", "Insights", "Operations", "Settings")
"""In the order in which they are read. The first has no heading: Home and Get started."""

Permission = Callable[[HttpRequest], bool]


@dataclass(frozen=True)
class Page:
    """A page of the console that is not a model's list."""

    name: str
    title: str
    section: str
    url_name: str
    permission: str | Permission | None = None
    icon: str = "page"
    order: int = 50
    badge: Callable[[HttpRequest], int] | None = None


@dataclass
class Item:
    """One line of the sidebar."""

    name: str
    url: str
    icon: str
    order: int
    current: bool = False
    badge: int = 0
    model: dict[str, Any] = field(default_factory=dict)

    def as_model(self) -> dict[str, Any]:
        """The item in the shape that the templates of django.contrib.admin expect of a model."""
        shape: dict[str, Any] = {
            "object_name": self.name,
            "perms": {},
            "add_url": None,
            "view_only": True,
            "model": None,
        }
        return {
            **shape,
            **self.model,
            "name": self.name,
            "admin_url": self.url,
            "icon": self.icon,
            "current": self.current,
            "badge": self.badge,
        }


def sections_of(items: Iterable[tuple[str, Item]], path: str) -> list[dict[str, Any]]:
    """The sections that hold anything, each with its items in order, the current one marked.

    An address may lie below two items (``/console/`` below all): the longest is the current one.
    """
    chosen = list(items)
    below = [item for _section, item in chosen if path.startswith(item.url)]
    if below:
        max(below, key=lambda item: len(item.url)).current = True
    found = []
    for section in SECTIONS:
        inside = sorted((item for name, item in chosen if name == section), key=lambda item: (item.order, item.name))
        if inside:
            found.append(
                {
                    "name": section,
                    "app_label": f"section-{section.lower() or 'home'}",
                    "app_url": inside[0].url,
                    "has_module_perms": True,
                    "models": [item.as_model() for item in inside],
                    "current": any(item.current for item in inside),
                }
            )
    return found
