"""``send_test``: through a connection to the team's own addresses, and to nobody else."""

import json
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns.audience.addresses import address_hmac
from campaigns.audience.suppressing import suppress
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.journal.models import AuditEntry, Task
from tests import factories
from tests.console import furnishing
from winback.commands import WrongUsage
from winback.tenancy import acting_for, acting_for_all

PHONE = "+13125550199"


@pytest.fixture
def business(transactional_db: None, settings: Any, tmp_path: Path, now: datetime) -> Tenant:
    settings.WINBACK_HOME = tmp_path
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant("oak")
        furnishing.member(tenant, "owner", "owner@oak.example")
        for kind in ("email", "sms"):
            connect(tenant, kind=kind, provider="local", label=f"Our {kind}", now=now, actor="a")
    return tenant


def send_test(tenant: Tenant, to: str, **options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("send_test", to, tenant=tenant.slug, json=True, stdout=out, **options)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


@pytest.mark.parametrize(
    ("to", "kind", "pattern"), [("Owner@oak.example", "email", "*.eml"), ("(312) 555-0199", "sms", "*.json")]
)
def test_goes_through_the_first_connection_in_use(
    business: Tenant, tmp_path: Path, to: str, kind: str, pattern: str
) -> None:
    told = send_test(business, to)

    assert told == {"sent": True, "connection": f"Our {kind}", "kind": kind, "provider": "local"}
    (message,) = tmp_path.rglob(pattern)
    assert "[Test]" in message.read_text()
    with acting_for(business.pk):
        task = Task.objects.for_tenant(business).get()
        assert (task.state, "to" in task.arguments) == (Task.State.DONE, False)
        assert AuditEntry.objects.for_tenant(business).filter(action="connection.test_sent").exists()


def test_goes_through_the_connection_that_is_named(business: Tenant, now: datetime) -> None:
    with acting_for(business.pk):
        connect(business, kind="email", provider="local", label="Spare", priority=90, now=now, actor="a")

    assert send_test(business, "owner@oak.example", connection="Spare")["connection"] == "Spare"


@pytest.mark.parametrize(
    ("to", "options", "code", "told"),
    [
        ("stranger@example.com", {}, 1, "no address of a member"),
        ("12", {}, 2, "is no telephone number"),
        ("+18005550100", {}, 1, "no mobile"),
        ("owner@oak.example", {"connection": "Nowhere"}, 2, "there are: Our email"),
    ],
)
def test_says_why_it_does_not_go(
    business: Tenant, tmp_path: Path, to: str, options: dict[str, str], code: int, told: str
) -> None:
    with pytest.raises(CommandError, match=told) as refused:
        send_test(business, to, **options)

    assert refused.value.returncode == code
    assert isinstance(refused.value, WrongUsage) == (code == 2)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_a_number_that_said_stop_gets_none(business: Tenant, now: datetime) -> None:
    with acting_for(business.pk):
        suppress(business, channel="sms", address_hmac=address_hmac(PHONE), reason="opt_out", source="test", now=now)

    with pytest.raises(CommandError, match="suppressed"):
        send_test(business, PHONE)


def test_the_provider_s_own_words_are_told(business: Tenant, now: datetime) -> None:
    with acting_for(business.pk):
        connect(business, kind="email", provider="smtp", label="Down", options={"host": "127.0.0.1"}, now=now,
                actor="a")  # fmt: skip

    with pytest.raises(CommandError, match=r"127\.0\.0\.1") as refused:
        send_test(business, "owner@oak.example", connection="Down")

    assert refused.value.returncode == 1
