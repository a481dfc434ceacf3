"""Making a tenant: what a real business gets, what a sandbox gets, and what is refused."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.access.models import Membership, User
from tenants.accounts.models import Brand, Tenant
from tenants.connections.models import Connection
from winback.tenancy import acting_for

ASKED = {"name": "Oak & Sons", "niche": "hvac", "timezone": "America/Chicago", "country": "US"}


def create(slug: str = "oak", **more: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("create_tenant", slug, **(ASKED | more), json=True, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_a_real_business_starts_on_starter_with_its_brand_and_nothing_connected(catalog: None) -> None:
    answer = create(region="il", address="12 Oak Street")

    tenant = Tenant.objects.get(slug="oak")
    assert (answer["tenant"], answer["brand"]) == ("oak", "main")
    assert (tenant.plan_id, tenant.currency, tenant.region, tenant.sandbox) == ("starter", "USD", "IL", False)
    with acting_for(tenant.pk):
        assert Brand.objects.for_tenant(tenant).get().postal_address == "12 Oak Street"
        assert not Connection.objects.for_tenant(tenant).exists()


def test_a_sandbox_is_on_scale_with_the_local_outbox_for_both_channels(catalog: None) -> None:
    answer = create(sandbox=True)

    tenant = Tenant.objects.get(slug="oak")
    assert answer["sandbox"] is True
    assert tenant.plan_id == "scale"
    with acting_for(tenant.pk):
        connections = Connection.objects.for_tenant(tenant).values_list("kind", "provider")
        assert set(connections) == {("email", "local"), ("sms", "local")}


def test_a_stated_plan_and_currency_are_kept(catalog: None) -> None:
    answer = create(sandbox=True, plan="growth", currency="eur")

    assert (answer["plan"], answer["currency"]) == ("growth", "EUR")


def test_the_owner_gets_a_password_once_and_a_membership(catalog: None) -> None:
    answer = create(owner="Ana@Example.com")

    ana = User.objects.get(email="ana@example.com")
    tenant = Tenant.objects.get(slug="oak")
    assert ana.check_password(answer["owner"]["password"])
    assert ana.is_staff
    assert not ana.is_superuser
    with acting_for(tenant.pk):
        assert Membership.objects.for_tenant(tenant).get().role == "owner"


def test_an_owner_of_two_businesses_keeps_their_password(catalog: None) -> None:
    create(owner="ana@example.com")

    assert create("elm", owner="ana@example.com")["owner"] == {"email": "ana@example.com", "password": None}
    assert User.objects.count() == 1


def test_a_dry_run_keeps_nothing(catalog: None) -> None:
    create(dry_run=True)

    assert not Tenant.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"niche": "florist"}, "no niche 'florist'"),
        ({"plan": "gold"}, "no plan 'gold'"),
        ({"timezone": "Chicago"}, "'Chicago' is no time zone"),
        ({"timezone": "../etc"}, "no time zone"),
        ({"country": "USA"}, "no country"),
        ({"country": "TH"}, "--currency"),
        ({"owner": "ana"}, "no e-mail address"),
    ],
)
def test_what_cannot_be_is_wrong_usage_and_named(catalog: None, wrong: dict[str, str], named: str) -> None:
    with pytest.raises(CommandError) as failure:
        create(**wrong)

    assert named in str(failure.value)
    assert failure.value.returncode == 2
    assert not Tenant.objects.exists()


def test_a_slug_is_taken_once(catalog: None) -> None:
    create()

    with pytest.raises(CommandError, match="already"):
        create()
