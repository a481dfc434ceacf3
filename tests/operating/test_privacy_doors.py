"""Data, restricting and erasing through the commands and the API: who may, what is answered, what is refused."""

import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from campaigns.audience.models import Contact
from campaigns.operating.erasure_models import Erasure, Host
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tests import factories
from tests.operating import planting
from winback.tenancy import acting_for

NOW = factories.NOW


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> None:
    settings.WINBACK_HOME = tmp_path / "home"


def by_command(capsys: pytest.CaptureFixture[str], name: str, *arguments: str, **options: Any) -> dict[str, Any]:
    capsys.readouterr()
    call_command(name, *arguments, json=True, as_of=NOW.isoformat(), **options)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_command_writes_one_file_for_its_owner_alone(
    tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planting.plant(tenant)
    path = tmp_path / "ann.json"

    answer = by_command(capsys, "export_contact", str(path), tenant=tenant.slug, contact=planting.EMAIL)

    assert (answer["contact"], answer["jobs"], answer["messages"]) == (2, 1, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["contact"][0]["first_name"] == planting.MARK
    assert AuditEntry.objects.for_tenant(tenant).filter(action="contact.exported").exists()


def test_the_command_erases_several_at_once_and_prints_the_proof(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    planting.plant(tenant)
    other = planting.contact_of(tenant, external_id="other", email="other@example.com")

    who = (f"--contact={planting.NUMBER}", f"--contact=#{other.pk}")
    answer = by_command(capsys, "erase_contact", *who, tenant=tenant.slug)

    assert (answer["people"], answer["state"]) == (2, "done")
    assert answer["removed"]["campaigns_contact"] == 3
    assert any("Backups" in line for line in answer["elsewhere"])
    assert set(Contact.objects.for_tenant(tenant).values_list("state", flat=True)) == {"erased"}
    assert AuditEntry.objects.for_tenant(tenant).get(action="contact.erased").data["erasure"] == answer["erasure"]
    with pytest.raises(CommandError, match="no contact"):
        call_command("erase_contact", "--contact=nobody", tenant=tenant.slug)


def test_the_api_hands_out_and_erases_under_a_scope_of_its_own(
    two_tenants: tuple[Tenant, Tenant], client: Client
) -> None:
    ours_, theirs_ = two_tenants
    with acting_for(ours_.pk):
        contact = planting.plant(ours_)
        key = create_key(ours_, name="privacy", now=NOW, scopes=["contacts:privacy"])[1]
        weak = create_key(ours_, name="weak", now=NOW, scopes=["contacts:write", "contacts:read"])[1]
    with acting_for(theirs_.pk):
        stranger = create_key(theirs_, name="privacy", now=NOW, scopes=["contacts:privacy"])[1]
    Host.objects.create(key=uuid4(), name="web-7.internal", first_seen_at=NOW, last_seen_at=NOW)
    who = f"/api/contacts/{quote(planting.NUMBER)}"

    def ask(key: str, method: str, address: str, body: Any = None) -> Any:
        return getattr(client, method)(
            address, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )

    assert ask(weak, "get", f"{who}/data").status_code == 403
    assert ask(weak, "post", f"{who}/erase", {"confirm": "erase"}).status_code == 403
    assert ask(stranger, "get", f"{who}/data").json()["code"] == "contact_not_found"
    assert ask(stranger, "post", f"{who}/erase", {"confirm": "erase"}).status_code == 404
    assert ask(key, "post", f"{who}/erase", {"confirm": "yes"}).status_code == 422
    assert ask(weak, "post", f"{who}/restrict", {"ground": "claims"}).json() == {"restricted": True}
    assert ask(key, "get", f"{who}/data").json()["contact"][0]["email"] == planting.EMAIL

    proof = ask(key, "post", f"{who}/erase", {"confirm": "erase"}).json()

    assert (proof["people"], proof["state"], proof["removed"]["campaigns_contact"]) == (1, "done", 2)
    assert all(one["to_do"] for one in proof["elsewhere"])
    assert proof["host_files"] == {"hosts": 2, "done": 1, "latest_at": proof["erased_at"]}
    assert "web-7.internal" not in str(proof)
    again = ask(key, "post", f"/api/contacts/{quote(f'#{contact.pk}')}/erase", {"confirm": "erase"})
    assert (again.status_code, again.json()["code"]) == (409, "not_erased")
    with acting_for(ours_.pk):
        assert Erasure.objects.for_tenant(ours_).count() == 1
        assert planting.found_in_database() == []
