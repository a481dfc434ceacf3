"""The command that activates a module: the same answer, in words or as JSON, and nothing kept when it is refused."""

import json
from datetime import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.accounts.models import Tenant
from tenants.activation.activating import activate
from tenants.activation.models import ModuleActivation
from tenants.connections.evidence import note_data
from tests import factories
from tests.activation.missing import due, refused_plan
from winback.tenancy import acting_for

CODE = "dormant_customer_reactivation"


def test_the_command_gives_the_same_answer(shop: Tenant, now: datetime) -> None:
    out = StringIO()
    refused_plan(shop, now)

    call_command(
        "activate_module",
        CODE,
        tenant=shop.slug,
        as_of=now.isoformat(),
        json=True,
        stdout=out,
        settings='{"channels": ["email"]}',
    )

    assert json.loads(out.getvalue()) == activate(shop, CODE, None, now=now, actor="test").body


def test_the_command_says_what_is_missing_to_a_person(shop: Tenant, now: datetime) -> None:
    out = StringIO()
    note_data(shop, "jobs", rows=0, newest_at=None, now=now)

    call_command("activate_module", CODE, tenant=shop.slug, as_of=now.isoformat(), stdout=out)

    assert "deferred" in out.getvalue()
    assert f"manage.py import_jobs FILE --tenant {shop.slug}" in out.getvalue()


@pytest.mark.parametrize("arguments", [{"settings": '{"channels": ["fax"]}'}, {"settings": "channels"}, {"code": "no"}])
def test_the_command_refuses_wrong_usage_with_2(shop: Tenant, arguments: dict[str, str]) -> None:
    code = arguments.pop("code", CODE)

    with pytest.raises(CommandError) as failure:
        call_command("activate_module", code, tenant=shop.slug, **arguments)

    assert failure.value.returncode == 2


def test_a_dry_run_keeps_nothing(shop: Tenant, now: datetime) -> None:
    call_command("activate_module", CODE, tenant=shop.slug, as_of=now.isoformat(), dry_run=True, stdout=StringIO())

    assert not ModuleActivation.objects.for_tenant(shop).exists()


def test_a_sandbox_made_by_the_command_needs_nothing_but_data(catalog: None, db: None) -> None:
    out = StringIO()
    call_command(
        "create_tenant",
        "trial",
        name="Trial",
        niche="hvac",
        timezone="America/Chicago",
        country="US",
        sandbox=True,
        stdout=out,
    )
    trial = Tenant.objects.get(slug="trial")
    with acting_for(trial.pk):
        body = activate(trial, CODE, {}, now=factories.NOW, actor="test").body

    assert due(body) == {"capability.crm.no_contacts", "capability.crm.no_jobs"}
