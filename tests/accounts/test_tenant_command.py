"""What every command over tenants promises (contract.md §3)."""

import json
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tenants.accounts.commands import TenantCommand, add_up
from tenants.accounts.models import Brand, Tenant
from tests import factories
from winback.commands import Keys
from winback.tenancy import acting_for, acting_for_all


class RenameBrand(TenantCommand):
    """Renames the tenant's brand to the moment it acts as of, so that a test sees what was kept."""

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        Brand.objects.for_tenant(tenant).update(name=now.isoformat())
        if tenant.slug.startswith("broken"):
            raise CommandError("the brand is locked")
        return {"renamed": 1, "revenue": "1.50", "currency": tenant.currency, "at": now.isoformat()}


class RenameBrandInOwnScope(RenameBrand):
    opens_scope = False

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        with acting_for(tenant.pk):
            return super().handle_tenant(tenant, now=now, options=options)


def run(command: TenantCommand, **options: Any) -> Any:
    command.money_keys = ("revenue",)
    out = StringIO()
    try:
        call_command(command, json=True, stdout=out, **options)
    finally:
        run.output = json.loads(out.getvalue())  # type: ignore[attr-defined]
    return run.output  # type: ignore[attr-defined]


def brand_name(slug: str) -> str:
    with acting_for_all("test"):
        return str(Brand.objects.get(tenant__slug=slug).name)


@pytest.fixture
def oak(db: None) -> Tenant:
    with acting_for_all("test"):
        return factories.make_tenant("oak")


def test_one_tenant_reports_its_keys_at_the_top_level(oak: Tenant) -> None:
    assert run(RenameBrand(), tenant="oak")["renamed"] == 1


def test_all_tenants_report_each_and_the_total(oak: Tenant) -> None:
    with acting_for_all("test"):
        factories.make_tenant("elm")

    answer = run(RenameBrand())

    assert set(answer["tenants"]) == {"oak", "elm"}
    assert answer["total"] == {"renamed": 2, "revenue": "3.00", "currency": "USD"}


def test_money_of_two_currencies_is_not_added_up() -> None:
    total = add_up([{"revenue": "1.00", "currency": "USD"}, {"revenue": "2", "currency": "JPY"}], ("revenue",))

    assert total == {"revenue_by_currency": {"USD": "1.00", "JPY": "2"}}


def test_nested_counts_are_added_up() -> None:
    assert add_up([{"by_cohort": {"6": 1}}, {"by_cohort": {"6": 2, "9": 1}}]) == {"by_cohort": {"6": 3, "9": 1}}


def test_a_suspended_tenant_is_left_out_unless_named(oak: Tenant) -> None:
    Tenant.objects.filter(pk=oak.pk).update(state=Tenant.State.SUSPENDED)

    assert run(RenameBrand())["tenants"] == {}
    assert run(RenameBrand(), tenant="oak")["renamed"] == 1


def test_one_tenants_failure_leaves_the_others_done_and_exits_with_1(oak: Tenant) -> None:
    with acting_for_all("test"):
        factories.make_tenant("broken")
    before = brand_name("broken")

    with pytest.raises(CommandError) as failure:
        run(RenameBrand(), as_of="2026-01-31")

    assert failure.value.returncode == 1
    assert "broken: the brand is locked" in str(failure.value)
    assert run.output["tenants"]["broken"] == {"error": "the brand is locked"}  # type: ignore[attr-defined]
    assert brand_name("oak").startswith("2026-01-31")
    assert brand_name("broken") == before


@pytest.mark.parametrize("command", [RenameBrand, RenameBrandInOwnScope])
def test_a_dry_run_computes_everything_and_keeps_nothing(oak: Tenant, command: type[TenantCommand]) -> None:
    before = brand_name("oak")

    answer = run(command(), tenant="oak", dry_run=True)

    assert answer["renamed"] == 1
    assert brand_name("oak") == before


def test_a_bare_date_is_noon_in_the_tenants_zone(oak: Tenant) -> None:
    assert run(RenameBrand(), tenant="oak", as_of="2026-01-31")["at"] == "2026-01-31T12:00:00-06:00"


def test_a_time_without_a_zone_is_the_tenants_and_one_with_a_zone_is_kept(oak: Tenant) -> None:
    assert run(RenameBrand(), tenant="oak", as_of="2026-07-01T08:30")["at"] == "2026-07-01T08:30:00-05:00"
    assert run(RenameBrand(), tenant="oak", as_of="2026-07-01T08:30Z")["at"] == "2026-07-01T08:30:00+00:00"


def test_an_unknown_tenant_is_wrong_usage(db: None) -> None:
    with pytest.raises(CommandError) as failure:
        call_command(RenameBrand(), tenant="nobody")

    assert failure.value.returncode == 2


def test_a_moment_that_is_none_is_wrong_usage(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        RenameBrand().run_from_argv(["manage.py", "rename", "--as-of", "yesterday"])

    assert exit.value.code == 2
    assert "no moment" in capsys.readouterr().err


def test_a_person_reads_lines(oak: Tenant) -> None:
    out = StringIO()

    call_command(RenameBrand(), tenant="oak", dry_run=True, stdout=out)

    assert "renamed   1" in out.getvalue()
    assert "Dry run: nothing was kept." in out.getvalue()
