"""A stretch of time in fast motion, on a sandbox alone."""

import json
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from campaigns.audience.experiment_models import Arm
from campaigns.compliance.models import Touch
from campaigns.operating.models import SimulatedDay
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests.faults import world
from winback.commands import WrongUsage
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("catalog")
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def business(db: None) -> Tenant:
    return world.make_business("fast", contacts=40, cap=6)


def parsed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    answer: dict[str, dict[str, object]] = json.loads(capsys.readouterr().out)
    return answer


def test_seven_weeks_keep_every_promise(business: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-02", "--to=2026-04-20", "--json")

    answer = parsed(capsys)
    assert len(answer["days"]) == 50
    assert answer["total"]["send"]["handed_over"] > 30  # type: ignore[index]
    earned = [Decimal(day["attribute"]["revenue"]) for day in answer["days"].values()]  # type: ignore[index]
    assert sum(earned) == Decimal(answer["total"]["attribute"]["revenue"]) > 0  # type: ignore[index]
    with acting_for(business.pk):
        messages = list(Message.objects.for_tenant(business).select_related("contact"))
        sent = [message for message in messages if message.state == "handed_over"]
        assert all(message.arm == Arm.TREATED for message in sent)
        assert {message.state for message in messages if message.arm == Arm.HELD_OUT} <= {
            "ghost", "planned", "postponed", "blocked", "cancelled",
        }  # fmt: skip
        assert len({(message.enrolment_id, message.step_code) for message in messages}) == len(messages)
        hours = {message.handed_over_at.astimezone(CHICAGO).hour for message in sent if message.handed_over_at}
        assert hours == {12}
        touches: dict[int, list[object]] = {}
        for touch in Touch.objects.for_tenant(business).exclude(message__state__in=["blocked", "failed", "cancelled"]):
            touches.setdefault(touch.household_id, []).append(touch.touched_at)
    for moments in touches.values():
        ordered = sorted(moments)  # type: ignore[type-var]
        crowded = [
            one
            for one, third in zip(ordered, ordered[2:], strict=False)
            if third - one < timedelta(days=7)  # type: ignore[operator]
        ]
        assert crowded == [], "a third message to one household within seven days"
    assert len(world.outbox(business)) == len(sent)


def test_a_finished_simulation_run_again_changes_nothing(business: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("simulate", f"--tenant={business.slug}", "--from=2026-03-02", "--to=2026-03-20", "--json")
    call_command(*arguments)
    first, became = parsed(capsys), world.what_became(business)

    call_command(*arguments)

    assert (parsed(capsys), world.what_became(business)) == (first, became)


def test_a_dry_run_keeps_nothing_and_sends_nothing(business: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    before, files = world.what_became(business), world.outbox(business)

    call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-02", "--to=2026-03-10", "--json", "--dry-run")

    assert parsed(capsys)["total"]["send"]["handed_over"] > 0  # type: ignore[index]
    assert (world.what_became(business), world.outbox(business)) == (before, files)
    with acting_for(business.pk):
        assert not SimulatedDay.objects.for_tenant(business).exists()


def test_a_real_business_is_never_simulated(business: Tenant) -> None:
    business.sandbox = False
    business.save()

    with pytest.raises(CommandError, match="not a sandbox"):
        call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-02", "--to=2026-03-03")


def test_a_stretch_that_ends_before_it_begins_is_wrong_usage(business: Tenant) -> None:
    with pytest.raises((CommandError, WrongUsage), match="before"):
        call_command("simulate", f"--tenant={business.slug}", "--from=2026-03-03", "--to=2026-03-02")
