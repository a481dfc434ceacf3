"""Rows and files of contacts that cannot be imported are refused in words, and stop nobody else."""

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tests import factories
from tests.audience.importing import contact, counts, rejects, run, written
from winback.tenancy import acting_for


@pytest.mark.parametrize(
    ("columns", "values", "reason"),
    [
        ("first_name", "Walk-in", "needs one of"),
        ("email", "not-an-address", "email: 'not-an-address'"),
        ("email", "a..b@example.com", "email:"),
        ("phone", "12", "phone: '12' is no valid number in US"),
        ("country", "Germany", "country:"),
        ("timezone", "../../etc/passwd", "timezone:"),
        ("acquired_on", "02/31/2025", "acquired_on:"),
        ("acquired_on", "0001-01-01", "the year 1"),
        ("acquired_on", "9999-12-31", "the year 9999"),
        ("email_consent", "maybe", "email_consent: 'maybe'"),
        ("sms_consent_at", "last spring", "sms_consent_at:"),
        ("email_consent_at", "2025-01-01T23:59:60", "email_consent_at:"),
        ("first_name", '"Ann', "quote"),
        ("first_name", "Ann,of,the,hill", "more values"),
    ],
)
def test_a_bad_row_is_written_down_and_stops_nobody(
    tenant: Tenant, tmp_path: Path, columns: str, values: str, reason: str
) -> None:
    key = "" if columns == "first_name" and values == "Walk-in" else "c2"
    path = written(tmp_path, f"external_id,{columns}\nc1,\n{key},{values}\nc3,\n")

    answer = run("contacts", tenant, path)

    assert counts(answer) == (2, 0, 0, 1)
    (rejected,) = rejects(answer)
    assert rejected["line"] == "3"
    assert reason in rejected["reason"]
    assert set(Contact.objects.for_tenant(tenant).values_list("external_id", flat=True)) == {"c1", "c3"}


def test_rejects_run_no_formula_and_can_be_mended_and_imported(tenant: Tenant, tmp_path: Path) -> None:
    path = written(tmp_path, "external_id,first_name,country,=cmd()\n=1+2,@SUM(A1),Nowhere,-1\n")
    answer = run("contacts", tenant, path)
    text = Path(answer["rejects_file"]).read_text()

    mended = written(tmp_path, text.replace("Nowhere", "DE"), "mended.csv")
    again = run("contacts", tenant, mended)

    assert all(cell[:1] not in "=+-@" for line in text.splitlines() for cell in line.split(",") if cell)
    assert counts(again) == (1, 0, 0, 0)
    assert contact(tenant, "=1+2").first_name == "@SUM(A1)"
    assert contact(tenant, "=1+2").attributes == {"=cmd()": "-1"}  # and neither the line nor the reason


def test_rejects_are_for_their_owner_alone(tenant: Tenant, tmp_path: Path) -> None:
    answer = run("contacts", tenant, written(tmp_path, "external_id,email\nc1,nonsense\n"))

    assert Path(answer["rejects_file"]).stat().st_mode & 0o077 == 0


def test_a_later_row_that_is_rejected_does_not_win(tenant: Tenant, tmp_path: Path) -> None:
    answer = run("contacts", tenant, written(tmp_path, "external_id,first_name,country\nc1,Ann,US\nc1,Anna,Nowhere\n"))

    assert counts(answer) == (1, 0, 0, 1)
    assert contact(tenant).first_name == "Ann"


def test_a_plan_without_room_says_so_row_by_row(db: None, tmp_path: Path) -> None:
    from winback.tenancy import acting_for_all  # noqa: PLC0415

    with acting_for_all("test"):
        tenant = factories.make_tenant(plan="starter")
    limit = tenant.plan.content["limits"]["contacts"]
    rows = "".join(f"c{number},Ann\n" for number in range(limit + 2))

    answer = run("contacts", tenant, written(tmp_path, "external_id,first_name\n" + rows))
    with acting_for(tenant.pk):
        again = run("contacts", tenant, written(tmp_path, "external_id,first_name\nc0,Anna\nnew,Bob\n"))

        assert counts(answer) == (limit, 0, 0, 2)
        assert [row["reason"].split(":")[0] for row in rejects(answer)] == ["plan_limit", "plan_limit"]
        assert [row["line"] for row in rejects(answer)] == [str(limit + 2), str(limit + 3)]
        assert counts(again) == (0, 1, 0, 1)
        assert Event.objects.for_tenant(tenant).filter(kind="entitlement.denied").count() == 2


@pytest.mark.parametrize("content", ["name,colour\nAnn,green\n", "", "<html>"])
def test_a_file_of_another_kind_is_refused_with_a_sentence(tenant: Tenant, tmp_path: Path, content: str) -> None:
    with pytest.raises(CommandError) as error:
        run("contacts", tenant, written(tmp_path, content))

    assert error.value.returncode == 1


def test_a_file_that_is_not_there_is_wrong_usage(tenant: Tenant, tmp_path: Path) -> None:
    with pytest.raises(CommandError) as error:
        run("contacts", tenant, tmp_path / "nothing.csv")

    assert error.value.returncode == 2
