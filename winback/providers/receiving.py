"""What a provider tells us over its webhook: how it proves who it is, and its reports in our words.

An account that takes webhooks says so by ``takes_webhooks``. What arrived is authenticated while the provider waits and
stored as it came; it is read later, outside the request, as often as need be: reading has no side effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from winback.providers.errors import ProviderError


class NotAuthentic(ProviderError):
    """It is not shown to come from the provider, or is too old, or repeated: nothing of it is kept."""


class NotUnderstood(ProviderError):
    """It comes from the provider, but cannot be read: it is kept, and shown to staff."""


@dataclass(frozen=True)
class Arrival:
    """One request at a webhook, as it came: header names in lower case, ``url`` the public one with its query."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    method: str = "POST"


class ReportKind(StrEnum):
    """What a report says; ``FAILED``: the provider refused after it had taken the message."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    REPLIED = "replied"


class BounceClass(StrEnum):
    """Whose fault a bounce is: only ``HARD`` says that the address is dead."""

    HARD = "hard"
    SOFT = "soft"
    BLOCKED = "blocked"
    """Reputation, policy, rate, authentication of the sender: never the recipient's fault."""
    CONTENT = "content"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Report:
    """One thing that a provider reports; ``key`` (≤ 120 characters) is the same each time that it reports it."""

    kind: ReportKind
    key: str
    occurred_at: datetime | None = None
    """By the provider's clock; None: it does not say."""
    reference: str = ""
    """Ours, where the report carries it."""
    provider_id: str = ""
    address: str = ""
    """The customer's: recipient of ours, or sender of a reply."""
    bounce: BounceClass = BounceClass.UNKNOWN
    code: str = ""
    """The enhanced status (``5.1.1``), or the provider's own error code."""
    detail: str = ""
    """The provider's words, at most 300 characters; may name the address, so it is shown to nobody as it is."""
    machine: bool | None = None
    """Of opens and clicks: whether the provider takes it for a machine's."""
    url: str = ""
    user_agent: str = ""
    text: str = ""
    """Of a reply: what the person wrote."""
    sent_to: str = ""
    """Of a reply: the number or address of ours that it went to."""
    answered_by_provider: str = ""
    """Of a reply: STOP, START or HELP where the provider has answered it already and keeps its own list."""
