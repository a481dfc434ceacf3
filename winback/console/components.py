"""The values that the parts of a page are drawn from, so that those who fill them are checked by type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Tone = Literal["good", "warn", "bad", "info", "plain"]
Severity = Literal["broken", "check", "todo"]

_SEVERITIES: dict[str, tuple[Tone, str]] = {
    "broken": ("bad", "Broken"),
    "check": ("warn", "Check"),
    "todo": ("info", "To do"),
}
_STATES: dict[str, tuple[Tone, str]] = {"good": ("good", "OK"), "warn": ("warn", "Check"), "bad": ("bad", "Failed")}


@dataclass(frozen=True)
class Attention:
    """Something that a person should look at: one sentence, one button."""

    severity: Severity
    title: str
    why: str = ""
    action: str = ""
    url: str = ""
    since: datetime | None = None

    @property
    def tone(self) -> Tone:
        return _SEVERITIES[self.severity][0]

    @property
    def word(self) -> str:
        return _SEVERITIES[self.severity][1]


@dataclass(frozen=True)
class Kpi:
    """One number with what it means. ``value`` may be the report's ``{"state": "insufficient_data", …}``."""

    label: str
    value: str | int | Mapping[str, Any]
    detail: str = ""
    definition: str = ""
    url: str = ""
    tone: Tone = "plain"
    trend: Sequence[float] = ()

    @property
    def lacking(self) -> Mapping[str, Any] | None:
        """What is missing, when the data cannot carry the number."""
        return self.value if isinstance(self.value, Mapping) else None


@dataclass(frozen=True)
class Panel:
    """A titled box on a page, holding a chart of :mod:`winback.console.charts` or a template of its own."""

    title: str
    chart: Any = None
    template: str = ""
    context: Mapping[str, Any] | None = None
    note: str = ""
    wide: bool = False
    url: str = ""
    action: str = ""


@dataclass(frozen=True)
class Check:
    """One line of a list of checks."""

    state: Literal["good", "warn", "bad"]
    title: str
    detail: str = ""
    action: str = ""
    url: str = ""

    @property
    def tone(self) -> Tone:
        return _STATES[self.state][0]

    @property
    def word(self) -> str:
        return _STATES[self.state][1]


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened, or will."""

    at: datetime
    title: str
    detail: str = ""
    tone: Tone = "plain"
    url: str = ""
    planned: bool = False


@dataclass(frozen=True)
class EmptyState:
    """A page with nothing on it yet: what it is for, and the one next step."""

    title: str
    why: str = ""
    action: str = ""
    url: str = ""
    icon: str = "list"
    command: str = ""


@dataclass(frozen=True)
class Setup:
    """How far Get started has come."""

    done: int
    total: int
    url: str
    next: str = ""
