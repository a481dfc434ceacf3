"""Guards over the words that are about to leave: asked of every rendered message, whatever template made it.

They judge the bytes, not the template: what a reader sees after entities are decoded and hidden parts left out. Each is
a small function registered with its id and version; the catalog tells staff what it asks (catalog/data/guards).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.compliance.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Words:
    """One rendered message, and what is known of it.

    ``facts`` are those of campaigns.delivery.rendering.facts_of, with ``unsubscribe_url`` and ``booking_url`` of this
    very message and ``today`` in the tenant's zone.
    """

    channel: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    facts: Mapping[str, Any]


Refusal = str
"""A stable code of why the words may not leave; empty: they may."""


@dataclass(frozen=True, slots=True)
class ContentGuard:
    """A registered guard over words."""

    code: str
    version: int
    channels: tuple[str, ...]
    refusal: Callable[[Words], Refusal]

    def judge(self, words: Words) -> Verdict:
        reason = self.refusal(words)
        return Verdict(self.code, self.version, not reason, reason)


GUARDS: dict[str, ContentGuard] = {}


def guard(code: str, *, version: int, channels: tuple[str, ...]) -> Callable[[Callable[[Words], Refusal]], None]:
    """Register a function as the guard of this id."""

    def register(refusal: Callable[[Words], Refusal]) -> None:
        GUARDS[code] = ContentGuard(code, version, channels, refusal)

    return register


def judge(
    *, channel: str, subject: str, html: str, text: str, headers: Mapping[str, str], facts: Mapping[str, Any]
) -> list[Verdict]:
    """What every guard of this channel says about a rendered message."""
    words = Words(channel, subject, html, text, headers, facts)
    return [guard.judge(words) for guard in GUARDS.values() if channel in guard.channels]


def as_evidence(verdicts: Sequence[Verdict], *, at: datetime) -> str:
    """The verdicts as they are kept on the message: a JSON list."""
    moment = at.isoformat()
    return json.dumps(
        [
            {
                "guard": verdict.guard,
                "version": verdict.version,
                "allowed": verdict.allowed,
                **({"reason": verdict.reason} if verdict.reason else {}),
                "facts": dict(verdict.facts),
                "at": moment,
                "when": "send",
            }
            for verdict in verdicts
        ]
    )
