"""How the developer API takes and shows a connection. Secrets go in and never come out: only their names do."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from tenants.connections import hooks
from tenants.connections.checking import LIMITS
from tenants.connections.connecting import credentials_of, in_order, shown_settings
from tenants.connections.models import CapabilityEvidence, Connection
from tenants.journal.models import Task
from tenants.webhooks import opaque
from winback.encryption import UndecipherableSecret
from winback.providers import registry

Kind = Literal["email", "sms"]
Secrets = dict[str, str]
Settings = dict[str, str | int | float | bool | None]


class FieldShape(Schema):
    """One thing that a provider is told."""

    name: str
    label: str
    secret: bool = Field(description="Goes into `credentials`; the others into `settings`.")
    required: bool
    choices: list[str]
    default: str
    help: str


class ProviderShape(Schema):
    """A provider that can be connected."""

    kind: str
    provider: str
    label: str
    fields: list[FieldShape]
    reports: bool = Field(description="It tells of deliveries and bounces: give it the address of `/webhook`.")


class Providers(Schema):
    providers: list[ProviderShape]


class Limits(Schema):
    """How fast messages leave. Null or left out: none of its own."""

    per_second: float | None = Field(None, description="All workers together; of a text, each segment counts.")
    per_day: float | None = Field(None, description="In any 24 hours.")
    domain_limits: dict[str, float] | Literal[False] | None = Field(
        None, description='Messages a second to one mailbox provider: `{"gmail.com": 20}`; false: none at all.'
    )
    slow_start: bool | None = Field(None, description="False for a sender that mailbox providers know.")


class ConnectionRequest(Schema):
    """A provider account."""

    kind: Kind
    provider: str = Field(description="Of `GET /api/connections/providers`.", max_length=40)
    label: str = Field("", description="To tell two of a kind apart; the provider's name where empty.", max_length=120)
    brand: str | None = Field(None, description="Code of the one brand whose messages it carries; null: every brand's.")
    credentials: Secrets = Field({}, description="The secret fields. Kept encrypted, never given back.")
    settings: Settings = Field({}, description="The others, and `price_minor`: what a message or segment costs.")
    limits: Limits | None = None


class ConnectionChange(Schema):
    """What is to be different; what is left out stays. In `settings` and `limits` null takes a value away."""

    brand: str | None = None
    credentials: Secrets | None = Field(None, description="New secrets by name; the others stay.")
    settings: Settings | None = None
    limits: Limits | None = None


class Try(Schema):
    """Something that was asked of a connection, and what became of it."""

    id: str
    what: str = Field(description="`probe`: whether it answers. `test`: a message to somebody of the team.")
    state: str = Field(description="`queued`, `running`, `done`, `failed`, `cancelled`.")
    detail: str
    created_at: datetime
    finished_at: datetime | None


class Tries(Schema):
    tries: list[Try]


class Evidence(Schema):
    """What the regular look at everything that is connected found last."""

    state: str
    detail: str
    checked_at: datetime


class ConnectionShape(Schema):
    """A connection as it is used now."""

    id: str
    kind: str
    provider: str
    label: str
    brand: str | None
    state: str = Field(
        description="`active`; `trying`: answers again after trouble; `paused` by it; `disabled` by you."
    )
    reason: str | None
    asked_again_at: datetime | None
    order: int = Field(description="Its place among those of its kind: the first that works is used.")
    credentials: list[str] = Field(description="Names of the secrets that are kept.")
    settings: dict[str, Any]
    limits: Limits
    change: str | None = Field(description="`trying`: new credentials or settings are tried. `refused`: the old stay.")
    change_problem: str | None
    found: Evidence | None
    created_at: datetime


class Connections(Schema):
    connections: list[ConnectionShape]


class OrderRequest(Schema):
    """Every connection of a kind, the one to be used first in front."""

    kind: Kind
    connections: list[str] = Field(max_length=100)


class TestRequest(Schema):
    to: str = Field(description="E-mail: a member of the team. Texts: a phone whose owner expects it.", max_length=320)


class Webhook(Schema):
    """Where the provider reports. Treat it like a password."""

    url: str
    takes_password: bool = Field(description="Write the connection's webhook user name and password into it.")


class Done(Schema):
    done: bool


def provider_shapes() -> list[dict[str, Any]]:
    """What can be connected, and what each is told."""
    shown = ("name", "label", "secret", "required", "choices", "default", "help")
    return [
        {
            "kind": kind,
            "provider": code,
            "label": known.label,
            "fields": [{name: getattr(field, name) for name in shown} for field in known.fields],
            "reports": known.takes_webhooks,
        }
        for kind, providers in registry.KINDS.items()
        for code, known in providers.items()
        if not known.for_tests
    ]


def shape(connection: Connection) -> dict[str, Any]:
    """One connection."""
    keys = list(in_order(connection.tenant, connection.kind).values_list("pk", flat=True))
    rows = CapabilityEvidence.objects.for_tenant(connection.tenant_id).filter(connection=connection)
    evidence = rows.order_by("-checked_at").first()
    change = "trying" if bytes(connection.pending) else "refused" if connection.pending_problem else None
    return {
        "id": opaque.make("connection", connection.tenant_id, connection.pk),
        "kind": connection.kind,
        "provider": connection.provider,
        "label": connection.label,
        "brand": connection.brand.code if connection.brand is not None else None,
        "state": connection.state,
        "reason": connection.paused_reason or None,
        "asked_again_at": connection.retry_at if connection.state == Connection.State.PAUSED else None,
        "order": keys.index(connection.pk) + 1,
        "credentials": _names_of_secrets(connection),
        "settings": {name: value for name, value in shown_settings(connection).items() if name not in LIMITS},
        "limits": {
            name: connection.settings.get(name) if connection.settings.get(name) != "" else None for name in LIMITS
        },
        "change": change,
        "change_problem": connection.pending_problem or None,
        "found": evidence and {name: getattr(evidence, name) for name in ("state", "detail", "checked_at")},
        "created_at": connection.created_at,
    }


def try_shape(task: Task) -> dict[str, Any]:
    """A probe or a test."""
    return {
        "id": opaque.make("task", task.tenant_id, task.pk),
        "what": "probe" if task.kind.startswith("probe") else "test",
        "state": task.state,
        "detail": task.error or str(task.result.get("found", "")),
        "created_at": task.created_at,
        "finished_at": task.finished_at,
    }


def webhook_shape(connection: Connection) -> Mapping[str, Any] | None:
    """Where its provider reports; None where it does not."""
    url = hooks.url_of(connection)
    return {"url": url, "takes_password": hooks.asks_for_password(connection)} if url else None


def _names_of_secrets(connection: Connection) -> list[str]:
    try:
        return sorted(credentials_of(connection))
    except UndecipherableSecret:
        return []
