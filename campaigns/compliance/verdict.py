"""What a guard answers: allowed or not, by which version of which rule, and on what facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """One guard's answer about one message. ``reason`` is a stable code (docs/reasons.md), empty when allowed."""

    guard: str
    version: int
    allowed: bool
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    lists: Mapping[str, int] = field(default_factory=dict)
    """The version of each list of words that it was asked with."""
