"""Reports of a fake provider, posted to its webhook as a provider posts them."""

import itertools
import json
from datetime import datetime
from typing import Any

from django.test import Client

from campaigns.delivery.routing import reference_of
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.hooks import path_of
from tenants.connections.models import Connection
from tests import factories

SECRET = "a secret of the fake provider"
_keys = itertools.count(1)


def make_reporting(tenant: Tenant, kind: str = "email", **fields: Any) -> Connection:
    """A connection to the fake provider, which takes reports."""
    made = {"provider": "fake", "credentials": {"webhook_secret": SECRET}, "label": f"fake {kind}"}
    return connect(tenant, kind=kind, now=factories.NOW, actor="test", **(made | fields))


def about(message: Message | None, kind: str, **fields: Any) -> dict[str, Any]:
    """One report, in our words."""
    told = {"kind": kind, "key": f"event-{next(_keys)}"}
    if message is not None:
        told["reference"] = reference_of(message.pk)
    if isinstance(fields.get("occurred_at"), datetime):
        fields["occurred_at"] = fields["occurred_at"].isoformat()
    return told | fields


def report(client: Client, connection: Connection, *reports: dict[str, Any], secret: str = SECRET, **more: Any) -> Any:
    """What the provider is answered when it posts them."""
    body = more.pop("body", None)
    return client.post(
        more.pop("path", path_of(connection)),
        body if body is not None else json.dumps(reports),
        content_type="application/json",
        headers={"x-fake-secret": secret},
        **more,
    )
