"""What is due waits for its hour, its household's cap, its campaign and its connection, and loses nothing by it."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.audience.models import ContactStat, Job
from campaigns.compliance.models import Touch
from campaigns.delivery.sending import send_due
from campaigns.planning import campaigning
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.models import Connection
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender, reload
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW  # noon in Chicago
SENT = FakeEmailProvider.sent


def test_a_message_that_is_not_due_waits(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant), due_at=NOW + timedelta(minutes=1))

    send_due(tenant, now=NOW)

    assert reload(message).state == "planned"


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        (NOW.replace(hour=12, minute=59), NOW.replace(hour=13, minute=0)),  # 7:59 in Chicago
        (NOW.replace(hour=13, minute=0), None),
        (NOW.replace(day=30, hour=1) + DAY, (NOW + DAY).replace(hour=13)),  # 20:00
    ],
)
def test_mail_keeps_courteous_hours_where_the_customer_lives(tenant: Tenant, moment: Any, until: Any) -> None:
    message = make_due(make_sender(tenant), due_at=NOW - 2 * DAY)

    send_due(tenant, now=moment)

    kept = reload(message)
    expected = ("handed_over", "") if until is None else ("postponed", "quiet_hours")
    assert (kept.state, kept.reason) == expected
    if until is not None:
        assert kept.due_at == until
        send_due(tenant, now=until)
        assert reload(message).state == "handed_over"


def test_a_replay_of_years_ago_keeps_the_same_hours(tenant: Tenant) -> None:
    night = NOW.replace(year=2011, hour=3)
    message = make_due(make_sender(tenant), due_at=night)
    DormancyEpisode.objects.update(lapsed_from=night - 200 * DAY)
    Job.objects.update(completed_at=night - 200 * DAY)
    ContactStat.objects.update(last_job_at=night - 200 * DAY)

    send_due(tenant, now=night)

    assert (reload(message).state, message.due_at) == ("postponed", night.replace(hour=13))


def test_hours_hold_in_every_zone_that_the_customer_may_be_in(tenant: Tenant) -> None:
    zones = ["America/Chicago", "America/Denver"]
    message = make_due(make_sender(tenant), timezones=zones, due_at=NOW - DAY)

    send_due(tenant, now=NOW.replace(hour=13, minute=30))  # 8:30 in Chicago, 7:30 in Denver

    assert reload(message).due_at == NOW.replace(hour=14)


def test_a_household_gets_no_more_than_its_cap(tenant: Tenant) -> None:
    campaign = make_sender(tenant, settings={"frequency_cap_touches": 2, "frequency_cap_days": 7})
    first = make_due(campaign)
    others = [make_due(campaign, household=first.contact.household) for _ in range(3)]

    counts = send_due(tenant, now=NOW)

    assert (counts["handed_over"], counts["postponed"]) == (2, 2)
    postponed = [message for message in map(reload, others) if message.state == "postponed"]
    assert {(message.reason, message.due_at) for message in postponed} == {("frequency_cap", NOW + 7 * DAY)}
    assert send_due(tenant, now=NOW + 7 * DAY)["handed_over"] == 2


def test_the_cap_counts_ghosts_like_messages(tenant: Tenant) -> None:
    campaign = make_sender(tenant, settings={"frequency_cap_touches": 1})
    first = make_due(campaign, arm=Arm.HELD_OUT)
    second = make_due(campaign, arm=Arm.HELD_OUT, household=first.contact.household)

    send_due(tenant, now=NOW)

    assert (reload(first).state, reload(second).state) == ("ghost", "postponed")


def test_a_blocked_message_takes_no_place_under_the_cap(tenant: Tenant) -> None:
    campaign = make_sender(tenant, settings={"frequency_cap_touches": 1})
    first = make_due(campaign)
    Message.objects.filter(pk=first.pk).update(variant=None)  # nothing to render
    second = make_due(campaign, household=first.contact.household, due_at=NOW + timedelta(minutes=1))

    send_due(tenant, now=NOW)
    send_due(tenant, now=NOW + timedelta(minutes=1))

    assert (reload(first).state, reload(first).reason) == ("blocked", "render_failed")
    assert {verdict["guard"] for verdict in reload(first).verdicts} >= {"suppression", "frequency_cap"}
    assert reload(second).state == "handed_over"


def test_a_paused_campaign_keeps_everything_in_its_place(tenant: Tenant) -> None:
    campaign = make_sender(tenant)
    message = make_due(campaign)
    campaigning.pause(campaign, reason="a quiet week", now=NOW, actor="test")

    assert send_due(tenant, now=NOW)["handed_over"] == 0
    assert (reload(message).state, message.due_at) == ("planned", NOW)

    campaigning.resume(campaign, now=NOW, actor="test")
    assert send_due(tenant, now=NOW)["handed_over"] == 1


@pytest.mark.parametrize("lost", ["module", "tenant"])
def test_a_suspended_module_or_tenant_sends_nothing(tenant: Tenant, lost: str) -> None:
    message = make_due(make_sender(tenant))
    if lost == "module":
        ModuleActivation.objects.update(state=ModuleActivation.State.SUSPENDED)
    else:
        tenant.state = Tenant.State.SUSPENDED
        tenant.save()

    send_due(tenant, now=NOW)

    assert (reload(message).state, SENT) == ("planned", [])


def test_without_a_connection_messages_wait(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    Connection.objects.filter(kind="email").delete()

    assert send_due(tenant, now=NOW)["postponed"] == 1
    assert (reload(message).state, message.reason) == ("postponed", "no_connection")
    assert not Touch.objects.exists()
