"""What becomes of each step of somebody who is enrolled: its channel, its day, its offer, and what ends it all."""

from datetime import UTC, date, datetime, timedelta

import pytest

from campaigns.audience.consent import record_consent
from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Contact, ContactStat, ContactTag
from campaigns.audience.suppressing import suppress
from campaigns.operating.planning import plan
from campaigns.planning.models import Enrolment, Message, Offer
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.journal.models import Event
from tests import factories
from tests.planning.lapsed import make_lapsed, only_message

pytestmark = pytest.mark.usefixtures("catalog")
DAY = timedelta(days=1)


@pytest.fixture
def activation(tenant: Tenant) -> ModuleActivation:
    return factories.make_activation(tenant)


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
