"""API keys: shown once, kept as a digest, bound to their tenant."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.access import keys
from tenants.access.models import ApiKey
from tenants.accounts.models import Tenant
from winback.tenancy import acting_for


def test_a_key_signs_in_and_only_its_digest_is_kept(tenant: Tenant, now: datetime) -> None:
    key, text = keys.create_key(tenant, name="shop", now=now)

    assert keys.tenant_id_of(text) == tenant.pk
    assert keys.authenticate(text, now) == key
    assert text not in json.dumps(list(ApiKey.objects.for_tenant(tenant).values()), default=str)
    assert text.startswith(key.prefix)


@pytest.mark.parametrize("spoil", [lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), lambda text: text + "A"])
def test_a_spoilt_key_does_not(tenant: Tenant, now: datetime, spoil: object) -> None:
    _, text = keys.create_key(tenant, name="shop", now=now)

    assert keys.authenticate(spoil(text), now) is None  # type: ignore[operator]


@pytest.mark.parametrize(
    "text",
    ["", "wb_", "wb_1_abcdefgh_short", "wb_ZZ_abcdefgh_" + "a" * 43, "wb_" + "z" * 13 + "_abcdefgh_" + "a" * 43],
)
def test_what_is_no_key_names_no_tenant(text: str) -> None:
    assert keys.tenant_id_of(text) is None


def test_a_revoked_and_an_expired_key_do_not(tenant: Tenant, now: datetime) -> None:
    revoked, revoked_text = keys.create_key(tenant, name="old", now=now)
    ApiKey.objects.for_tenant(tenant).filter(pk=revoked.pk).update(revoked_at=now)
    _, expiring_text = keys.create_key(tenant, name="short", now=now, expires_at=now + timedelta(days=1))

    assert keys.authenticate(revoked_text, now) is None
    assert keys.authenticate(expiring_text, now) is not None
    assert keys.authenticate(expiring_text, now + timedelta(days=1)) is None


def test_a_key_with_another_tenants_number_opens_nothing(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    mine, other = two_tenants
    _, text = keys.create_key(mine, name="shop", now=now)
    forged = text.replace(f"wb_{keys._base36(mine.pk)}_", f"wb_{keys._base36(other.pk)}_")

    with acting_for(other.pk):
        assert keys.authenticate(forged, now) is None


def test_use_is_noted_once_a_minute(tenant: Tenant, now: datetime) -> None:
    _, text = keys.create_key(tenant, name="shop", now=now)

    keys.authenticate(text, now)
    keys.authenticate(text, now + timedelta(seconds=30))

    assert ApiKey.objects.for_tenant(tenant).get().last_used_at == now


def test_the_command_prints_the_key_once(tenant: Tenant) -> None:
    out = StringIO()

    call_command("create_api_key", tenant=tenant.slug, name="shop", scope=["modules:activate"], json=True, stdout=out)

    answer = json.loads(out.getvalue())
    assert answer["key"].startswith(answer["prefix"])
    assert ApiKey.objects.for_tenant(tenant).get().scopes == ["modules:activate"]


def test_an_unknown_scope_is_wrong_usage(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match="There is no scope everything") as failure:
        call_command("create_api_key", tenant=tenant.slug, name="shop", scope=["everything"])

    assert failure.value.returncode == 2
