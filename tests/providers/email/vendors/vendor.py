"""One account at one service: a server that answers as the service's documentation says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from tests.providers.email.contract import Received
from tests.providers.http_server import PATIENCE, Answer, Request
from winback.providers.email.base import EmailProvider
from winback.providers.registry import email_provider


@dataclass(frozen=True)
class Vendor:
    """``error(code)``: an answer of its documentation to a message that it does not take, by what it means to us."""

    code: str
    told: Mapping[str, str]
    path: str
    """Where a message is posted."""
    authentic: Callable[[Request], bool]
    unauthorised: Answer
    taken: Callable[[Any], Answer]
    """Of the body of a message."""
    received: Callable[[Any], Received]
    probe: Mapping[str, Answer]
    """What it answers to harmless questions, by path."""
    errors: Mapping[str, Answer]
    """Its documented answers, by the reason or the kind of trouble that they are to us."""
    body: Callable[[Request], Any] = lambda request: request.json()
    tracking_off: Callable[[Any], bool] | None = None
    """Whether the message asks not to be tracked; None: the service has no such switch for a message."""
    prefix: str = ""
    """Of the address of its API."""


@dataclass
class Account:
    """What was sent to it; ``script`` is answered first."""

    vendor: Vendor
    script: list[Answer] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    probing: dict[str, Answer] = field(default_factory=dict)

    def __call__(self, request: Request) -> Answer:
        if not self.vendor.authentic(request):
            return self.vendor.unauthorised
        if (asked := {**self.vendor.probe, **self.probing}.get(request.path)) is not None:
            return asked
        assert (request.method, request.path) == ("POST", self.vendor.path)
        if self.script:
            return self.script.pop(0)
        body = self.vendor.body(request)
        self.sent.append(body)
        return self.vendor.taken(body)


def connect(vendor: Vendor, url: str, **told: Any) -> EmailProvider:
    credentials = {**vendor.told, **told}
    return email_provider(
        vendor.code, credentials, {"api_url": url + vendor.prefix, "timeout_seconds": PATIENCE, "batch_size": 1}
    )


def bearer(token: str) -> Callable[[Request], bool]:
    """Whether a request shows this token."""
    return lambda request: request.headers.get("Authorization") == f"Bearer {token}"


def header(name: str, value: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get(name) == value


def named(pair: Mapping[str, str], *, name: str = "name", address: str = "email") -> tuple[str, str]:
    return pair.get(name, ""), pair[address]


def listed(pairs: Any, *, name: str = "name") -> dict[str, str]:
    return {pair[name]: pair["value"] for pair in pairs}


def mailbox(text: str) -> tuple[str, str]:
    return parseaddr(text)
