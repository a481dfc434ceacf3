"""What there is to say of one service of django-anymail: a module of this package for each."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from winback.providers.fields import Field
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, BounceClass, ReportKind

Told = Callable[[str], str]
METADATA_KEY = "winback"
"""Under this name our reference goes along as the message's metadata."""


class About(Enum):
    """Whom an error concerns that is no recipient's."""

    SETTINGS = auto()
    RATE = auto()


@dataclass(frozen=True)
class Rule:
    """What an answer means; all that is given must fit. ``words`` is searched for in what the service said."""

    means: Reason | About
    code: str = ""
    words: str = ""
    status: int = 0

    def fits(self, status: int, code: str, said: str) -> bool:
        return (
            (not self.code or self.code == code)
            and (not self.status or self.status == status)
            and (not self.words or re.search(self.words, said, re.IGNORECASE) is not None)
        )


@dataclass(frozen=True)
class Answered:
    """What a service answered to one message of a batch: its id when it took it, else its code and words."""

    provider_id: str = ""
    code: str = ""
    said: str = ""


@dataclass(frozen=True)
class Batch:
    """How several messages, each with words of its own, go in one request that answers for each of them.

    ``all_or_none``: what is wrong with one is said of all, and none has left; they are then sent one by one.
    """

    path: str
    body: Callable[[Sequence[Any]], Any]
    """The request of the bodies of the single ones."""
    answers: Callable[[Any], Sequence[Answered]]
    """Of what came back, in the order in which they were sent; raises what reading unexpected JSON raises."""
    statuses: frozenset[int] = frozenset({200})
    size: int = 25
    """At most as many as the sender hands over at once: a request without an answer leaves all of them unknown."""


@dataclass(frozen=True)
class Webhook:
    """How a service reports: by which of anymail's views it is read, and how it proves who it is."""

    view: str
    authenticate: Callable[[Told, Arrival], None]
    bounce: Callable[[Any], tuple[str, BounceClass]] = lambda event: ("", BounceClass.UNKNOWN)
    """The status that the service's own event names, and its own class of the bounce."""
    machine: Callable[[Any], bool | None] = lambda event: None
    """Of an open or a click: whether the service takes it for a machine's."""
    reference: Callable[[Any], str] = lambda event: ""
    """Our reference, where the service has no metadata."""
    key: Callable[[Any], str] = lambda event: ""
    """What makes the report one, where the event's own id does not."""
    kind: Callable[[Any], ReportKind | None] = lambda event: None
    """What an event says that anymail does not know."""


def code_and_message(body: Any) -> tuple[str, str]:
    """The code and words of most answers."""
    if not isinstance(body, dict):
        return "", ""
    code = body.get("code") or body.get("name") or body.get("type") or ""
    return str(code), str(body.get("message") or body.get("error") or "")


def errors_and_code(body: Any) -> tuple[str, str]:
    """The code and words of an answer with a list of ``errors``, which are objects or sentences."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors:
        return code_and_message(body)
    first = errors[0]
    if not isinstance(first, dict):
        return "", str(first)
    said = f"{first.get('message', '')} {first.get('description') or first.get('field') or ''}".strip()
    return str(first.get("code", "")), said


def listed(body: Any) -> Any:
    """A batch that is the list of its messages."""
    return list(body)


@dataclass(frozen=True)
class Service:
    """One service: what it must be told, which backend carries it, and what its answers mean."""

    code: str
    label: str
    backend: str
    fields: tuple[Field, ...]
    options: Callable[[Told], Mapping[str, Any]]
    """Every option of the backend, so that nothing is left for it to look for in the global settings."""
    check: Callable[[Told], tuple[bool, str]]
    """Ask whether the account answers and may send marketing mail; raises ProviderTrouble."""
    find: Callable[[Told, str], bool | None] | None = None
    """Whether a message with our reference arrived there; None: it cannot tell (yet)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    message_id: bool = False
    """It keeps our Message-ID, or does not mind it."""
    metadata: bool = True
    """It has metadata that its reports bring back."""
    extra: Callable[[str], Mapping[str, Any]] = lambda reference: {}
    """What else goes into the request, by our reference."""
    body_headers: Callable[[str], Mapping[str, str]] = lambda reference: {}
    """What it wants among the message's headers and does not send on: an idempotency key, where it belongs there."""
    request_headers: Callable[[str], Mapping[str, str]] = lambda reference: {}
    """Headers of the request itself: an idempotency key, where there is one."""
    untracked: bool = False
    """It can be told, message by message, to leave our links and the HTML as they are."""
    answer: Callable[[Any], tuple[str, str]] = code_and_message
    """The service's own code and words of an answer."""
    refuses: Callable[[Any], bool] = lambda body: False
    """Whether an answer with a status of success says for certain that the message was not taken."""
    taken_with: frozenset[int] = frozenset()
    """The statuses that alone mean that it took a message, where its answer says nothing else."""
    rules: tuple[Rule, ...] = ()
    batch: Batch | None = None
    webhook: Webhook | None = None
