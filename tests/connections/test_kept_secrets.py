"""A secret that is kept goes to no other place than it was given for, whichever door asks."""

import json
import re
import socket
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tenants.accounts.models import Tenant
from tenants.connections import rotating
from tenants.connections.checking import ConnectionRefused
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from winback.commands import WrongUsage
from winback.encryption import decrypt
from winback.providers import registry

EVERY = [(kind, code) for kind, found in registry.KINDS.items() for code in found]
FREE = [
    (kind, code, field.name)
    for kind, code in EVERY
    for field in registry.provider(kind, code).fields
    if not field.secret and not field.choices
]
PLACES = [
    (kind, code, field.name)
    for kind, code in EVERY
    for field in registry.provider(kind, code).fields
    if field.destination
]


def field_of(kind: str, code: str, name: str) -> Any:
    return next(field for field in registry.provider(kind, code).fields if field.name == name)


def test_the_places_are_these() -> None:
    assert "smtp" in registry.EMAIL
    assert {name for _, _, name in PLACES} == {"host", "port", "return_host", "api_url", "url", "body"}


@pytest.mark.parametrize(("kind", "code", "name"), FREE)
def test_a_field_that_is_called_a_place_is_one(kind: str, code: str, name: str) -> None:
    if re.search(r"(^|_)(url|host|hostname|port|server|endpoint|address)$", name):
        assert field_of(kind, code, name).destination


@pytest.mark.parametrize("value", ["mine.example", "https://mine.example/"])
@pytest.mark.parametrize(("kind", "code", "name"), FREE)
def test_no_other_field_leads_a_probe_to_a_server_of_one_s_own(
    kind: str, code: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host.decode() if isinstance(host, bytes) else str(host))
        raise socket.gaierror("nobody is asked in a test")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    fields = registry.provider(kind, code).fields
    usual = {field.name: field.default or "us-east-1" for field in fields if field.required and not field.secret}
    secrets = {field.name: "s3cret" for field in fields if field.secret}
    registry.build(kind, code, secrets, usual | {name: value}).probe()

    led = any(host.rstrip(".").endswith("mine.example") for host in asked)
    assert not led or field_of(kind, code, name).destination


@pytest.mark.parametrize(("kind", "code", "name"), PLACES)
def test_what_is_sent_to_another_place_is_given_anew(
    kind: str, code: str, name: str, tenant: Tenant, now: datetime
) -> None:
    fields = registry.provider(kind, code).fields
    secrets = {field.name: "old" for field in fields if field.secret}
    connection = connect(tenant, kind=kind, provider=code, credentials=secrets, options={name: "theirs"}, now=now,
                         actor="a")  # fmt: skip

    with pytest.raises(ConnectionRefused, match="Give it anew") as refused:
        rotating.propose(connection, credentials={}, options={name: "mine"}, now=now, actor="a")

    assert refused.value.field == f"settings.{name}"
    connection.refresh_from_db()
    assert not bytes(connection.pending)
    anew = {secret: "new" for secret in secrets if (to := field_of(kind, code, secret).sent_to) is None or name in to}
    assert anew
    rotating.propose(connection, credentials=anew, options={name: "mine"}, now=now, actor="a")
    connection.refresh_from_db()
    assert json.loads(decrypt(bytes(connection.pending)))["credentials"] == secrets | anew


def test_one_that_was_proposed_is_kept_just_as_well(tenant: Tenant, now: datetime) -> None:
    connection = connect(tenant, kind="email", provider="smtp", options={"host": "a.example"}, now=now, actor="a")
    rotating.propose(connection, credentials={"password": "new"}, options={"host": "b.example"}, now=now, actor="a")
    connection.refresh_from_db()

    for host in ("a.example", "mine.example"):
        with pytest.raises(ConnectionRefused):
            rotating.propose(connection, credentials={}, options={"host": host}, now=now, actor="a")


def test_the_command_sends_it_nowhere_else(tenant: Tenant, now: datetime) -> None:
    connect(tenant, kind="email", provider="smtp", label="Post", credentials={"password": "old"},
            options={"host": "a.example"}, now=now, actor="a")  # fmt: skip

    with pytest.raises(WrongUsage, match="Host says where"):
        call_command("connect_provider", "email", "smtp", tenant=tenant.slug, label="Post", rotate=True,
                     options='{"host": "mine.example"}', stdout=StringIO())  # fmt: skip

    assert not bytes(Connection.objects.for_tenant(tenant).get().pending)


def test_the_command_takes_no_secret_that_others_could_read(tenant: Tenant) -> None:
    with pytest.raises(WrongUsage, match="password is a secret"):
        call_command("connect_provider", "email", "smtp", tenant=tenant.slug, stdout=StringIO(),
                     options='{"host": "a.example", "password": "old"}')  # fmt: skip

    assert not Connection.objects.for_tenant(tenant).exists()
