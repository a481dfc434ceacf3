"""The rights of a person in the console: data, restriction and erasing on the contact's page, and the proof."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.audience.models import Contact
from campaigns.operating.erasure_models import Erasure, Host
from campaigns.operating.restricting import is_restricted
from tenants.access.models import User
from tests.console.conftest import Business
from tests.console.walking import audited_actions, deed, row_now
from tests.factories import NOW
from winback.tenancy import acting_for

Browse = Callable[[User], Client]


@pytest.fixture(autouse=True)
def home(settings: Settings, tmp_path: Path) -> None:
    settings.WINBACK_HOME = tmp_path / "home"


@pytest.fixture
def contact(ours: Business) -> Contact:
    row: Contact = ours.rows["contact"]
    return row


def test_a_manager_erases_after_typing_the_name_and_sees_the_proof(
    ours: Business, contact: Contact, browse: Browse
) -> None:
    client = browse(ours.people["manager"])

    asked = client.get(deed(contact, "erase"))
    wrong = client.post(deed(contact, "erase"), {"confirmed": "yes", "typed": "somebody"})
    done = client.post(deed(contact, "erase"), {"confirmed": "yes", "typed": str(contact)}, follow=True)

    assert "It cannot be taken back." in asked.content.decode()
    assert wrong.status_code == 422
    page = done.content.decode()
    assert all(words in page for words in ("What was removed", "Not ours to remove", "Backups"))
    assert ours.mark not in page.partition("<main")[2].replace(f"{ours.mark} CRM", "").replace(
        f"{ours.mark} outbox", ""
    )
    assert row_now(ours, "contact").state == "erased"
    assert "contact.erased" in audited_actions(ours)
    shown = client.get(f"/console/campaigns/contact/{contact.pk}/change/").content.decode()
    assert "Proof of erasing" in shown
    assert "Export data" not in shown
    proof = client.post(deed(contact, "proof"), follow=True).content.decode()
    assert "What was removed" in proof


def test_the_proof_names_the_hosts_to_platform_staff_alone(ours: Business, root: User, browse: Browse) -> None:
    with acting_for(ours.tenant.pk):
        seen = [
            Host.objects.create(key=uuid4(), name=f"web-{number}.internal", first_seen_at=NOW, last_seen_at=NOW)
            for number in range(3)
        ]
        proof = ours.rows["erasure"]
        at = {str(host.key): (NOW + timedelta(minutes=minute)).isoformat() for minute, host in enumerate(seen[:2])}
        Erasure.objects.for_tenant(ours.tenant).filter(pk=proof.pk).update(hosts=at)

    address = f"/console/campaigns/erasure/{proof.pk}/change/"
    staff = browse(root)
    staff.post("/console/tenant/", {"tenant": ours.tenant.slug, "next": "/console/"})
    owner, platform = (client.get(address).content.decode() for client in (browse(ours.people["owner"]), staff))

    assert all("2 of 3 hosts have gone through their own files, the latest " in page for page in (owner, platform))
    assert "Not yet" in owner
    assert ("web-2.internal" in platform, "last seen" in platform) == (True, True)
    assert not any(words in owner for words in ("web-0.internal", "web-2.internal", "last seen"))


@pytest.mark.parametrize("role", ["operator", "analyst"])
def test_whoever_may_not_erase_or_export_does_neither(
    role: str, ours: Business, contact: Contact, browse: Browse
) -> None:
    client = browse(ours.people[role])
    words = {"confirmed": "yes", "typed": str(contact), "note": "They were told on Monday."}

    answers = [client.post(deed(contact, name), words).status_code for name in ("erase", "export_data")]
    answers.append(client.post(deed(contact, "lift_restriction"), words).status_code)

    assert answers == [403, 403, 403]
    assert row_now(ours, "contact").state == "active"


def test_the_data_is_a_file_and_on_record(ours: Business, contact: Contact, browse: Browse) -> None:
    answer = browse(ours.people["owner"]).post(deed(contact, "export_data"))

    assert answer["Content-Disposition"].endswith('.json"')
    assert answer.json()["contact"][0]["email"] == contact.email
    assert "contact.exported" in audited_actions(ours)


def test_an_operator_restricts_and_a_manager_lifts_with_a_note(
    ours: Business, contact: Contact, browse: Browse
) -> None:
    def restricted() -> bool:
        with acting_for(ours.tenant.pk):
            return is_restricted(contact)

    browse(ours.people["operator"]).post(deed(contact, "restrict"), {"ground": "objection"})
    manager = browse(ours.people["manager"])
    page = manager.get(f"/console/campaigns/contact/{contact.pk}/change/").content.decode()
    assert restricted()
    assert "Its processing is restricted" in page
    assert "Lift the restriction" in page

    assert manager.post(deed(contact, "lift_restriction"), {"note": "no"}).status_code == 422
    manager.post(deed(contact, "lift_restriction"), {"note": "It was settled; told on 3 March."})

    assert not restricted()
    page = manager.get(f"/console/campaigns/contact/{contact.pk}/change/").content.decode()
    assert "It was settled; told on 3 March." in page


def test_the_other_business_has_no_such_contact_or_proof(
    ours: Business, theirs: Business, contact: Contact, browse: Browse
) -> None:
    stranger = browse(theirs.people["owner"])

    answers = [
        stranger.post(deed(contact, name), {"confirmed": "yes", "typed": str(contact)}).status_code
        for name in ("erase", "export_data", "restrict")
    ]

    assert answers == [404, 404, 404]
    assert stranger.get(f"/console/campaigns/erasure/{ours.rows['erasure'].pk}/change/").status_code == 404
    with acting_for(ours.tenant.pk):
        assert Erasure.objects.for_tenant(ours.tenant).count() == 1
