"""Planning: who is enrolled, what becomes of each step, and why not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.audience.consent import record_consent
from campaigns.audience.experiment_models import Arm, Assignment, DormancyEpisode
from campaigns.audience.models import Contact, ContactStat, ContactTag
from campaigns.audience.suppressing import suppress
from campaigns.operating import planning
from campaigns.operating.planning import plan
from campaigns.planning import campaigning
from campaigns.planning.campaigning import NotLaunched
from campaigns.planning.models import Campaign, Enrolment, Message, Offer, Step
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.journal.models import Event
from tests import factories
from winback.tenancy import acting_for

pytestmark = pytest.mark.usefixtures("catalog")
DAY = timedelta(days=1)


@pytest.fixture
def activation(tenant: Tenant) -> ModuleActivation:
    return factories.make_activation(tenant)


def make_lapsed(tenant: Tenant, *, days: int = 200, arm: str = Arm.TREATED, **fields: Any) -> Contact:
    """A contact whose lapse is open, with its arm drawn."""
    contact = factories.make_contact(tenant, **fields)
    last = factories.NOW - days * DAY
    job = factories.make_job(contact, last)
    ContactStat.objects.filter(contact=contact).update(
        last_job_at=last, last_job_id=job.pk, job_count=1, next_scan_at=None
    )
    factories.make_episode(contact, lapsed_from=last, opened_at=factories.NOW - DAY)
    Assignment.objects.create(
        tenant=tenant, contact=contact, household_key="h", share=2000, arm=arm, drawn_at=factories.NOW
    )
    return contact


def give_sms_consent(contact: Contact) -> None:
    record_consent(
        contact,
        "sms",
        "given",
        stated_at=factories.NOW - 400 * DAY,
        source="web form",
        wording="I agree to get texts.",
        now=factories.NOW,
        actor="test",
    )


def only_message(contact: Contact) -> Message:
    return Message.objects.get(contact=contact)


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


def test_a_step_falls_back_to_the_channel_that_is_allowed(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant, email="", email_key=None, phone="+13125550101", phone_key="+13125550101")
    give_sms_consent(contact)

    plan(tenant, now=now)

    message = only_message(contact)
    assert (message.state, message.channel) == (Message.State.PLANNED, "sms")
    refused = [(verdict["channel"], verdict["reason"]) for verdict in message.verdicts if not verdict["allowed"]]
    assert refused == [("email", "no_email")]


def test_a_step_that_no_channel_allows_is_skipped_with_its_reason_and_the_next_one_is_planned(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant)
    record_consent(contact, "email", "withdrawn", stated_at=now - DAY, source="phone", now=now, actor="test")

    report = plan(tenant, now=now)

    message = only_message(contact)
    assert report["blocked"] == 1
    assert (message.state, message.channel, message.reason) == ("blocked", "email", "email_consent_withdrawn")
    assert {verdict["channel"] for verdict in message.verdicts} == {"email", "sms"}
    assert Enrolment.objects.get().position == 1
    assert Event.objects.filter(kind="message.blocked", contact_id=contact.pk).count() == 1


@pytest.mark.parametrize(
    ("country", "consent", "days", "reason"),
    [
        ("US", None, 200, ""),
        ("US", "given", 200, ""),
        ("CA", None, 200, ""),
        ("CA", None, 729, "implied_consent_expired"),
        ("CA", "given", 729, ""),
        ("GB", None, 200, "no_email_consent"),
        ("GB", "given", 200, ""),
        ("DE", "withdrawn", 200, "email_consent_withdrawn"),
    ],
)
def test_email_rests_on_the_permission_that_the_recipients_country_asks_for(
    tenant: Tenant, now: datetime, country: str, consent: str | None, days: int, reason: str
) -> None:
    factories.make_activation(tenant, settings={"marketing_after_months_of_silence": None})
    moment = now + timedelta(days=5) if days > 700 else now  # past the 24 months
    contact = make_lapsed(tenant, days=days, country=country)
    if consent:
        record_consent(contact, "email", consent, stated_at=now - 300 * DAY, source="form", now=now, actor="test")

    plan(tenant, now=moment)

    assert only_message(contact).reason == reason


def test_a_consent_that_is_stated_later_does_not_exist_yet(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant, country="GB")
    record_consent(contact, "email", "given", stated_at=now + DAY, source="form", now=now, actor="test")

    plan(tenant, now=now)

    assert only_message(contact).reason == "no_email_consent"


def test_a_withdrawal_dated_later_today_forbids_already(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant)
    # A file gives a day; a day is its noon; it was imported in the morning.
    record_consent(contact, "email", "withdrawn", stated_at=now + timedelta(hours=3), source="f", now=now, actor="test")

    plan(tenant, now=now)

    assert only_message(contact).reason == "email_consent_withdrawn"


def test_a_text_needs_consent_with_its_time_source_and_wording(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    proven = make_lapsed(tenant, email="", email_key=None, phone="+13125550101", phone_key="+13125550101")
    give_sms_consent(proven)
    unproven = make_lapsed(tenant, email="", email_key=None, phone="+13125550102", phone_key="+13125550102")
    record_consent(unproven, "sms", "given", stated_at=None, source="", now=now, actor="test")
    silent = make_lapsed(tenant, email="", email_key=None, phone="+13125550103", phone_key="+13125550103")

    plan(tenant, now=now)

    def sms_reasons(contact: Contact) -> list[str]:
        return [v["reason"] for v in only_message(contact).verdicts if v["channel"] == "sms" and not v["allowed"]]

    assert [sms_reasons(contact) for contact in (proven, unproven, silent)] == [
        [],
        ["sms_consent_unproven"],
        ["no_sms_consent"],
    ]


@pytest.mark.parametrize("channel", ["email", "all"])
def test_a_suppressed_address_is_not_planned_for(
    tenant: Tenant, activation: ModuleActivation, now: datetime, channel: str
) -> None:
    contact = make_lapsed(tenant, email_hmac="a" * 64)
    suppress(tenant, channel=channel, contact=contact, reason="complained", source="test", now=now)

    plan(tenant, now=now)

    message = only_message(contact)
    assert (message.state, message.reason) == ("blocked", "suppressed")
    facts = next(verdict["facts"] for verdict in message.verdicts if verdict["guard"] == "suppression")
    assert facts["why"] == "complained"


def test_a_channel_that_the_settings_leave_out_is_not_used(tenant: Tenant, now: datetime) -> None:
    factories.make_activation(tenant, settings={"channels": ["sms"]})
    contact = make_lapsed(tenant)

    plan(tenant, now=now)

    assert only_message(contact).reason == "email_off"


@pytest.mark.parametrize("ending", ["tag", "booking", "business", "closed", "erased"])
def test_what_ends_an_enrolment_cancels_what_is_planned(
    tenant: Tenant, activation: ModuleActivation, now: datetime, ending: str
) -> None:
    contact = make_lapsed(tenant)
    plan(tenant, now=now)

    if ending == "tag":
        ContactTag.objects.create(tenant=tenant, contact=contact, name="do-not-contact", source="staff")
    elif ending == "booking":
        ContactStat.objects.filter(contact=contact).update(scheduled_at=now + 3 * DAY)
    elif ending == "business":  # that attributing has not seen yet
        job = factories.make_job(contact, now + timedelta(minutes=30))
        ContactStat.objects.filter(contact=contact).update(last_job_at=job.completed_at)
    elif ending == "closed":
        DormancyEpisode.objects.update(state="closed", closed_by="given_up", closed_at=now)
    else:
        Contact.objects.filter(pk=contact.pk).update(state=Contact.State.ERASED)
    plan(tenant, now=now + timedelta(hours=1))

    by = {"tag": "do_not_contact", "closed": "episode_closed", "erased": "episode_closed"}.get(ending, ending)
    enrolment, message = Enrolment.objects.get(), only_message(contact)
    assert (enrolment.state, enrolment.ended_by) == ("ended", by)
    assert (message.state, message.reason) == ("cancelled", by)


def test_the_sequence_walks_through_its_days_and_ends_exhausted(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant)
    due = {}
    for day in range(26):
        plan(tenant, now=now + day * DAY)
        for message in Message.objects.filter(state=Message.State.PLANNED):
            due[message.step_code] = (message.due_at - now).days
            Message.objects.filter(pk=message.pk).update(state="handed_over", handed_over_at=now + day * DAY)

    assert due == {"hello": 0, "nudge": 3, "offer": 10, "farewell": 21}
    enrolment = Enrolment.objects.get()
    assert (enrolment.state, enrolment.ended_by) == ("ended", "exhausted")
    assert ContactTag.objects.filter(contact=contact, name="winback:exhausted").exists()


def test_a_step_never_overtakes_one_that_has_not_left(
    tenant: Tenant, activation: ModuleActivation, now: datetime
) -> None:
    contact = make_lapsed(tenant)
    plan(tenant, now=now)
    Message.objects.update(state="postponed", due_at=now + 8 * DAY)

    plan(tenant, now=now + 7 * DAY)
    assert Message.objects.count() == 1

    Message.objects.update(state="handed_over", handed_over_at=now + 8 * DAY)
    plan(tenant, now=now + 8 * DAY)
    nudge = Message.objects.get(contact=contact, step_code="nudge")
    assert nudge.due_at == now + 9 * DAY  # a day after the one before it


def test_days_are_those_of_the_calendar_when_the_clocks_change(tenant: Tenant) -> None:
    factories.make_activation(tenant)
    noon = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)  # noon in Chicago, a day before summer time ends
    make_lapsed(tenant)

    plan(tenant, now=noon)

    assert Enrolment.objects.get().next_action_at == datetime(2026, 11, 3, 18, 0, tzinfo=UTC)


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


def test_the_offer_stands_on_its_step_alone_and_not_after_its_end(tenant: Tenant, now: datetime) -> None:
    Offer.objects.create(
        tenant=tenant,
        code="fall",
        name="$25 off",
        kind="amount",
        terms="Once.",
        expires_on=date(2026, 10, 31),
        created_at=now,
    )
    factories.make_activation(tenant, settings={"offer": "fall"})
    make_lapsed(tenant)
    for day in range(11):
        plan(tenant, now=now + day * DAY)
        Message.objects.filter(state="planned").update(state="handed_over", handed_over_at=now + day * DAY)

    offers = dict(Message.objects.values_list("step_code", "offer__code"))
    assert offers == {"hello": None, "nudge": None, "offer": "fall"}


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
