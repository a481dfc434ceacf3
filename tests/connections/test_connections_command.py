"""``connections``: which are used, in which order, and stopping one."""

import json
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.journal.models import AuditEntry
from winback.commands import WrongUsage


@pytest.fixture(autouse=True)
def _connected(tenant: Tenant, now: datetime) -> None:
    for kind, label in (("email", "Main"), ("email", "Spare"), ("sms", "Texts"), ("sms", "Spare")):
        secret = {"auth_token": "s3cret"} if label == "Texts" else {}
        provider = "twilio" if label == "Texts" else "local"
        connect(tenant, kind=kind, provider=provider, label=label, credentials=secret, now=now, actor="a")


def connections(tenant: Tenant, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("connections", tenant=tenant.slug, json=True, stdout=out, **options)
    assert "s3cret" not in out.getvalue()
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_lists_them_in_the_order_in_which_they_are_used(tenant: Tenant) -> None:
    told = connections(tenant)

    assert [list(told["email"]), list(told["sms"])] == [["Main", "Spare"], ["Texts", "Spare"]]
    assert told["email"]["Main"] == {"provider": "local", "state": "active", "reason": "", "brand": None}


def test_pauses_and_resumes_one(tenant: Tenant) -> None:
    assert connections(tenant, pause="Main")["email"]["Main"]["state"] == "disabled"
    assert connections(tenant, resume="Main")["email"]["Main"]["state"] == "active"

    actions = AuditEntry.objects.for_tenant(tenant).order_by("sequence").values_list("action", "actor")
    assert list(actions)[-2:] == [("connection.disabled", "command line"), ("connection.resumed", "command line")]


def test_puts_one_before_the_others_of_its_kind(tenant: Tenant) -> None:
    told = connections(tenant, first="Spare", kind="email")

    assert [list(told["email"]), list(told["sms"])] == [["Spare", "Main"], ["Texts", "Spare"]]


@pytest.mark.parametrize(
    ("label", "told"),
    [("Spare", "say --kind email or --kind sms"), ("Nowhere", "there are: Main, Spare, Spare, Texts")],
)
def test_says_which_ones_there_are(tenant: Tenant, label: str, told: str) -> None:
    with pytest.raises(WrongUsage, match=told):
        connections(tenant, pause=label)
