"""Who is enrolled, in which order and into which campaign, and who is not."""

from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.operating import planning
from campaigns.operating.planning import plan
from campaigns.planning import campaigning
from campaigns.planning.campaigning import NotLaunched
from campaigns.planning.models import Campaign, Enrolment, Message, Offer, Step
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tests import factories
from tests.planning.lapsed import make_lapsed, only_message
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("catalog")
DAY = timedelta(days=1)


@pytest.fixture
def activation(tenant: Tenant) -> ModuleActivation:
    return factories.make_activation(tenant)


def test_an_active_module_gets_a_running_campaign_with_the_steps_of_its_workflow(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    plan(tenant, now=now)

    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.window_days, campaign.launched_at) == (Campaign.State.RUNNING, 60, now)
    steps = Step.objects.filter(campaign=campaign).order_by("position").values_list("code", "day", "channel")
    assert list(steps) == [
        ("hello", 0, "email"),
        ("nudge", 3, "sms"),
        ("offer", 10, "email"),
        ("farewell", 21, "email"),
    ]


def test_a_deferred_module_gets_neither_campaign_nor_enrolment(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    ModuleActivation.objects.update(state=ModuleActivation.State.DEFERRED)
    make_lapsed(tenant)

    assert plan(tenant, now=now) == {"enrolled": 0, "planned": 0, "blocked": 0, "ghost": 0}
    assert not Campaign.objects.exists()
    assert not Enrolment.objects.exists()


def test_both_arms_are_enrolled_and_planned_alike(tenant: Tenant, activation: ModuleActivation, now: datetime) -> None:
    treated, held_out = make_lapsed(tenant), make_lapsed(tenant, arm=Arm.HELD_OUT)

    report = plan(tenant, now=now)

    assert report == {"enrolled": 2, "planned": 1, "blocked": 0, "ghost": 1}
    ours, theirs = only_message(treated), only_message(held_out)
    assert (ours.state, ours.due_at, ours.channel) == (theirs.state, theirs.due_at, theirs.channel)
    assert [verdict["guard"] for verdict in ours.verdicts] == [verdict["guard"] for verdict in theirs.verdicts]


def test_planning_twice_changes_nothing_more(tenant: Tenant, activation: ModuleActivation, now: datetime) -> None:
    make_lapsed(tenant)
    plan(tenant, now=now)

    assert plan(tenant, now=now) == {"enrolled": 0, "planned": 0, "blocked": 0, "ghost": 0}
    assert Message.objects.count() == 1


def test_more_than_a_batch_is_planned_in_one_go(tenant: Tenant, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.make_activation(tenant)
    for _ in range(5):
        make_lapsed(tenant)
    monkeypatch.setattr(planning, "BATCH", 2)

    assert plan(tenant, now=now)["planned"] == 5
    assert Message.objects.filter(step_code="hello").count() == 5


def test_the_daily_cap_takes_the_most_recently_lapsed_first(tenant: Tenant, now: datetime) -> None:
    factories.make_activation(tenant, settings={"daily_enrolment_cap": 2})
    oldest, newest, middle = (make_lapsed(tenant, days=days) for days in (300, 190, 240))

    first = plan(tenant, now=now)
    later_the_same_day = plan(tenant, now=now + timedelta(hours=1))
    next_day = plan(tenant, now=now + DAY)

    assert [first["enrolled"], later_the_same_day["enrolled"], next_day["enrolled"]] == [2, 0, 1]
    order = Enrolment.objects.order_by("enrolled_at", "pk").values_list("contact_id", flat=True)
    assert list(order) == [newest.pk, middle.pk, oldest.pk]


def test_nobody_is_enrolled_again_within_180_days(tenant: Tenant, activation: ModuleActivation, now: datetime) -> None:
    contact = make_lapsed(tenant)
    campaign = campaigning.ensure_campaigns(tenant, now=now)[0]
    earlier = factories.make_episode(
        contact, lapsed_from=now - 700 * DAY, state=DormancyEpisode.State.CLOSED, opened_at=now - 500 * DAY
    )
    enrolment = factories.make_enrolment(
        earlier, campaign, enrolled_at=now - 179 * DAY, state=Enrolment.State.ENDED, next_action_at=None
    )

    assert plan(tenant, now=now)["enrolled"] == 0
    Enrolment.objects.filter(pk=enrolment.pk).update(enrolled_at=now - 181 * DAY)
    assert plan(tenant, now=now)["enrolled"] == 1


@pytest.mark.parametrize(("days", "enrolled"), [(700, 1), (760, 0)])
def test_nobody_is_enrolled_after_24_months_of_silence(
    tenant: Tenant, activation: ModuleActivation, now: datetime, days: int, enrolled: int
) -> None:
    make_lapsed(tenant, days=days)

    assert plan(tenant, now=now)["enrolled"] == enrolled


def test_a_setting_allows_marketing_after_24_months_of_silence(tenant: Tenant, now: datetime) -> None:
    factories.make_activation(tenant, settings={"marketing_after_months_of_silence": None})
    contact = make_lapsed(tenant, days=900)

    assert plan(tenant, now=now)["enrolled"] == 1
    assert only_message(contact).state == Message.State.PLANNED


def test_an_offer_without_terms_or_past_its_end_keeps_the_campaign_from_running(tenant: Tenant, now: datetime) -> None:
    offer = Offer.objects.create(
        tenant=tenant,
        code="fall",
        name="$25 off",
        kind="amount",
        value_minor=2500,
        expires_on=date(2026, 9, 1),
        created_at=now,
    )
    factories.make_activation(tenant, settings={"offer": "fall"})
    make_lapsed(tenant)

    assert plan(tenant, now=now)["enrolled"] == 0
    campaign = Campaign.objects.get()
    assert campaign.state == Campaign.State.DRAFT
    assert "terms" in campaign.state_reason
    assert "2026-09-01" in campaign.state_reason
    with pytest.raises(NotLaunched):
        campaigning.launch(campaign, now=now, actor="test")

    Offer.objects.filter(pk=offer.pk).update(terms="Once a household.", expires_on=date(2026, 12, 31))
    campaign.refresh_from_db()
    assert campaigning.launch(campaign, now=now, actor="test")
    assert plan(tenant, now=now)["enrolled"] == 1


def test_a_paused_campaign_plans_nothing_and_resumes_where_it_was(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    make_lapsed(tenant)
    campaign = campaigning.ensure_campaigns(tenant, now=now)[0]

    assert campaigning.pause(campaign, reason="A quiet week.", now=now, actor="test")
    assert not campaigning.pause(campaign, reason="Twice.", now=now, actor="test")
    assert plan(tenant, now=now)["enrolled"] == 0
    assert campaigning.resume(campaign, now=now, actor="test")
    assert plan(tenant, now=now)["enrolled"] == 1


def test_leaves_other_tenants_alone(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    ours, theirs = two_tenants
    for each in two_tenants:
        factories.make_activation(each)
        make_lapsed(each)

    with acting_for(ours.pk):
        plan(ours, now=now)

    assert Message.objects.filter(tenant=ours).count() == 1
    assert not Message.objects.filter(tenant=theirs).exists()


def test_the_command_reports_its_keys_and_a_dry_run_keeps_nothing(
    tenant: Tenant, activation: ModuleActivation, capsys: pytest.CaptureFixture[str]
) -> None:
    make_lapsed(tenant)

    call_command("plan_messages", tenant=tenant.slug, as_of="2026-09-30", json=True, dry_run=True)

    assert '"enrolled": 1' in capsys.readouterr().out
    assert not Enrolment.objects.exists()
