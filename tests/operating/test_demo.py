"""``manage.py demo``: a business from import to result, quick the second time, and leaving real tenants alone."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from campaigns.audience.models import ImportBatch
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories
from winback.tenancy import acting_for, acting_for_all

pytestmark = pytest.mark.django_db(transaction=True)

CONTACTS = """external_id,email,first_name,email_consent,email_consent_at,email_consent_source
quiet,quiet@example.com,Ana,yes,2024-01-05,web form
back,back@example.com,Bo,yes,2024-01-05,web form
recent,recent@example.com,Cy,yes,2024-01-05,web form
"""
JOBS = """external_id,contact_external_id,completed_at,amount,currency,service,status
1,quiet,2025-12-01,120.00,USD,Tune-up,completed
2,back,2025-06-01,80.00,USD,Tune-up,completed
3,recent,2026-09-01,95.00,USD,Tune-up,completed
"""


@pytest.fixture
def files(tmp_path: Path, settings: Settings) -> list[str]:
    settings.WINBACK_HOME = tmp_path / "home"
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    (tmp_path / "jobs.csv").write_text(JOBS)
    return ["--contacts", str(tmp_path / "contacts.csv"), "--jobs", str(tmp_path / "jobs.csv")]


@pytest.fixture(autouse=True)
def loaded(catalog: None) -> None:
    """The catalog, which ``manage.py`` loads before the command."""


def demo(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("demo", "--once", "--json", *arguments, stdout=out, stderr=StringIO())
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


def test_own_files_are_imported_scanned_and_written_about(files: list[str], client: Client) -> None:
    shown = demo(*files, "--as-of", "2026-09-30", "--name", "Oak Heating", "--timezone", "America/Chicago")

    assert (shown["contacts"], shown["jobs"], shown["rejected"]) == (3, 3, 0)
    assert shown["dormant"] == {"6": 0, "9": 1, "12": 1} or sum(shown["dormant"].values()) == 2
    assert shown["enrolled"] == 2
    email, password = shown["sign_in"]["email"], shown["sign_in"]["password"]
    assert authenticate(username=email, password=password) is not None
    tenant = Tenant.objects.get(slug="oak-heating")
    with acting_for(tenant.pk):
        treated = Message.objects.for_tenant(tenant).filter(state=Message.State.HANDED_OVER).count()
    assert treated == shown["sent"].get("email", 0)


def test_a_second_run_does_nothing_twice(files: list[str]) -> None:
    first = demo(*files, "--as-of", "2026-09-30")
    again = demo(*files, "--as-of", "2026-09-30")

    assert again == first
    with acting_for_all("look at the imports"):
        assert ImportBatch.objects.count() == 2


def test_without_a_day_the_files_tell_up_to_their_last_job(files: list[str]) -> None:
    assert demo(*files)["as_of"] == "2026-09-01"


def test_a_real_tenant_is_left_alone(files: list[str]) -> None:
    with acting_for_all("test set-up"):
        factories.make_tenant("oak-heating", sandbox=False)

    with pytest.raises(CommandError, match="not a sandbox"):
        demo(*files, "--name", "Oak Heating")


@pytest.mark.parametrize("given", [slice(0, 2), slice(2, 4)])
def test_one_file_alone_is_wrong_usage(files: list[str], given: slice) -> None:
    with pytest.raises(CommandError, match="needs both") as refused:
        demo(*files[given])

    assert refused.value.returncode == 2


def test_it_tells_a_person_what_came_of_it(files: list[str]) -> None:
    out = StringIO()

    call_command("demo", "--once", *files, "--as-of", "2026-09-30", stdout=out, stderr=StringIO())

    said = out.getvalue()
    assert "3 contacts, 3 jobs, 0 rows rejected" in said
    assert "dormant on 2026-09-30" in said
    assert "not known yet" in said


@pytest.mark.slow
def test_the_sample_business_shows_what_its_readme_counts(tmp_path: Path, settings: Settings) -> None:
    settings.WINBACK_HOME = tmp_path / "home"

    shown = demo("--days", "1")

    assert shown["tenant"] == "alder-and-ash"
    assert shown["dormant"] == {"6": 254, "9": 263, "12": 573 + 422}
    assert shown["enrolled"] > 200
    assert sum(shown["sent"].values()) > 100
