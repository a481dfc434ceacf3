"""A connection that is stopped or used again, by whichever door: its modules are looked at, now and once it answers."""

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from catalog.models import Module
from tenants.access.models import User
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from tenants.webhooks import opaque
from tests import factories
from tests.calling import Call
from winback.queues import AWAITED, get_queue
from winback.tenancy import acting_for

CODE = "dormant_customer_reactivation"
Door = Callable[[Connection, str], None]


@pytest.fixture(autouse=True)
def _empty_queues() -> Iterator[None]:
    get_queue(AWAITED).connection.flushdb()
    yield
    get_queue(AWAITED).connection.flushdb()


@pytest.fixture(params=["api", "command", "console"])
def door(request: pytest.FixtureRequest, call: Call, business: Tenant, client: Client) -> Door:
    def by_api(connection: Connection, deed: str) -> None:
        answer = call("POST", f"/{opaque.make('connection', business.pk, connection.pk)}/{deed}")
        assert answer.status_code == 200

    def by_command(connection: Connection, deed: str) -> None:
        call_command("connections", tenant=business.slug, stdout=StringIO(), **{deed: connection.label})

    def by_console(connection: Connection, deed: str) -> None:
        client.force_login(User.objects.get(email="owner@oak.example"))
        assert client.post(f"/console/tenants/connection/{connection.pk}/{deed}/").status_code == 302

    found: Door = {"api": by_api, "command": by_command, "console": by_console}[request.param]
    return found


def needed(business: Tenant) -> set[str]:
    with acting_for(business.pk):
        told: dict[str, Any] = ModuleActivation.objects.for_tenant(business).get().requirements
    due = [*told["currently_due"], *told.get("pending_verification", [])]
    return {each["code"] for each in due if each["code"].startswith("capability.email")}


def looks() -> int:
    """How often a worker is asked to look again; then it has."""
    waiting = get_queue(AWAITED)
    paths = [job.kwargs["path"] for job in waiting.jobs]
    waiting.empty()  # type: ignore[no-untyped-call]  # RQ's
    return paths.count("tenants.activation.jobs.look_again")


def test_pausing_and_resuming_look_again_at_the_modules(business: Tenant, door: Door) -> None:
    now = timezone.now()
    with acting_for(business.pk):
        factories.catalog_row(Module, "modules", CODE)
        module = Module.objects.get(code=CODE)
        ModuleActivation.objects.create(
            tenant=business,
            module=module,
            module_version=module.version,
            state="deferred",
            settings={"channels": ["email"]},
            requested_at=now,
            evaluated_at=now,
            requirements={"currently_due": []},
        )
        connection = connect(business, kind="email", provider="smtp", label="Post", options={"host": "mail.example"},
                             now=now, actor="a")  # fmt: skip

    door(connection, "pause")
    assert (needed(business), looks()) == ({"capability.email.not_connected"}, 1)

    door(connection, "pause")
    assert looks() == 0

    door(connection, "resume")
    assert (needed(business), looks()) == ({"capability.email.not_verified"}, 1)
