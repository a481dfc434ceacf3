"""Each host forgets whom it must in its own files, and the proof says how far that is."""

import csv
import json
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from campaigns.audience.models import Contact
from campaigns.operating import hosts
from campaigns.operating.erasure_models import Host
from campaigns.operating.exporting import rejects_folder
from tenants.accounts.models import Tenant
from tests import factories
from tests.operating import planting
from tests.operating.planting import erase

NOW = factories.NOW
pytestmark = pytest.mark.usefixtures("home")


def test_another_host_forgets_them_in_its_own_files_and_says_so_on_the_proof(
    two_tenants: tuple[Tenant, Tenant], home: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tenant = two_tenants[0]
    planted = planting.plant(tenant)
    other = tmp_path_factory.mktemp("other") / "home"
    settings.WINBACK_HOME = other
    call_command("tidy_host", json=True)
    shutil.copytree(home, other, dirs_exist_ok=True)
    spelled = f"Wrote from {planting.EMAIL.upper()}, please mend"
    rows = [["2", "no date", "", spelled], ["3", "no date", planting.NUMBER, ""], ["4", "no date", "c5", "Bo"]]
    with (rejects_folder(tenant) / "jobs-9.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["line", "reason", "contact_external_id", "note"], *rows])
    settings.WINBACK_HOME = home

    proof = erase(planted)

    assert planting.found_in_files(tenant) == []
    assert sorted(bool(at) for _, at in hosts.told(proof)) == [False, True]
    settings.WINBACK_HOME = other
    assert planting.found_in_files(tenant)
    assert hosts.tend(now=NOW + timedelta(minutes=1)) == hosts.Tended(erasures=1, files=2, rejected_rows=4)
    assert planting.found_in_files(tenant) == []
    assert "Bo" in (rejects_folder(tenant) / "jobs-9.csv").read_text()
    assert hosts.tend(now=NOW + timedelta(minutes=2)) == hosts.Tended()
    proof.refresh_from_db()
    assert all(at for _, at in hosts.told(proof))


def test_a_host_that_is_a_copy_of_another_goes_through_its_own_files_too(
    two_tenants: tuple[Tenant, Tenant], home: Path, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tenant = two_tenants[0]
    planted = planting.plant(tenant)
    one = hosts.this_host(now=NOW - timedelta(minutes=2))
    copy = tmp_path_factory.mktemp("copy") / "home"
    shutil.copytree(home, copy)
    proof = erase(planted)  # on the first host
    settings.WINBACK_HOME = copy
    assert planting.found_in_files(tenant)

    assert hosts.tend(now=NOW + timedelta(minutes=1)).erasures == 1

    assert planting.found_in_files(tenant) == []
    other = hosts.this_host(now=NOW + timedelta(minutes=2))
    settings.WINBACK_HOME = home
    assert hosts.this_host(now=NOW + timedelta(minutes=3)) == one
    proof.refresh_from_db()
    assert set(proof.hosts) == {str(one.key), str(other.key)}


def test_a_host_stays_itself_under_another_name_and_after_what_was_taken_back(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hosts.this_host(now=NOW)
    with suppress(RuntimeError), transaction.atomic():
        hosts.this_host(now=NOW + timedelta(minutes=1))
        raise RuntimeError
    monkeypatch.setattr("socket.gethostname", lambda: "another-name")

    seen = [hosts.this_host(now=NOW + timedelta(minutes=minute)) for minute in (2, 3)]
    Host.objects.update(last_seen_at=NOW - timedelta(days=1))  # as the database was in a backup
    seen.append(hosts.this_host(now=NOW + timedelta(minutes=4)))

    assert seen == [first] * 3
    assert Host.objects.get().name == "another-name"


def test_a_host_that_is_gone_is_struck(tenant: Tenant, planted: Contact, capsys: pytest.CaptureFixture[str]) -> None:
    Host.objects.create(key=uuid4(), name="old-web", first_seen_at=NOW, last_seen_at=NOW)
    proof = erase(planted)
    assert [host.name for host, at in hosts.told(proof) if not at] == ["old-web"]

    call_command("tidy_host", gone="old-web", json=True)

    assert json.loads(capsys.readouterr().out)["struck"] == 1
    assert all(at for _, at in hosts.told(proof))
    with pytest.raises(CommandError, match="no host 'old-web'"):
        call_command("tidy_host", gone="old-web")
