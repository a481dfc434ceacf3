"""An old list begins small with each mailbox provider, and grows with what went well."""

import json
import threading
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.experiment_models import Arm
from campaigns.compliance import ramp
from campaigns.compliance.asking import asking_of
from campaigns.compliance.models import DomainRamp, Touch
from campaigns.compliance.quiet_hours import Hours
from campaigns.delivery import sending
from campaigns.delivery.claiming import Claim, claim
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect, starts_slowly
from tests import factories
from tests.delivery.making import make_due, make_sender, reload
from tests.factories import NOW
from winback.tenancy import acting_for, acting_for_all

pytestmark = pytest.mark.usefixtures("catalog")
DAY = timedelta(days=1)
OPEN = {"frequency_cap_touches": 50, "email_courteous_hours": False}
DOMAIN = "oak.example.com"


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    return make_sender(tenant, settings=OPEN)


def due(campaign: Campaign, number: int, domain: str = DOMAIN, **message: Any) -> list[Message]:
    names = [f"p{Message.objects.count() + n}@{domain}" for n in range(number)]
    return [make_due(campaign, email=name, email_key=name, **message) for name in names]


def claimed(campaign: Campaign, *, at: datetime = NOW) -> Claim:
    return claim(asking_of(campaign, now=at), hours=Hours.load(at), limit=500, slow_start=True)


def may_get(tenant: Tenant, cap: int, *, on: datetime = NOW, domain: str = DOMAIN) -> None:
    """The domain might get so many on that day."""
    day = on.astimezone(tenant.zone).date()
    DomainRamp.objects.update_or_create(tenant=tenant, domain=domain, defaults={"cap": cap, "day": day})


def got(campaign: Campaign, number: int, *, on: datetime, domain: str = DOMAIN, **state: Any) -> None:
    """So many left for the domain on that day, and became of them what is said."""
    for message in due(campaign, number, domain, due_at=on):
        Message.objects.filter(pk=message.pk).update(
            **{"state": "delivered", "handed_over_at": on, "settled_at": on} | state
        )
        Touch.objects.create(
            tenant=campaign.tenant, household=message.household, ordinal=1, message=message, channel="email",
            domain=domain, touched_at=on,
        )  # fmt: skip


def test_beyond_its_places_a_domain_waits_for_the_tenants_next_day(tenant: Tenant, campaign: Campaign) -> None:
    may_get(tenant, 2)
    ours, elsewhere = due(campaign, 5), due(campaign, 3, "elm.example.com")

    taken = claimed(campaign)

    assert set(taken.message_ids) == {message.pk for message in [*ours[:2], *elsewhere]}
    for message in map(reload, ours[2:]):
        assert (message.state, message.reason) == ("postponed", "ramp")
        assert message.due_at.astimezone(tenant.zone).isoformat(sep=" ") == "2026-10-01 00:00:00-05:00"
        assert message.verdicts[-1]["guard"] == "ramp"
        assert message.verdicts[-1]["facts"]["a_day"] == 2
    allowed = json.loads(taken.verdicts[ours[0].pk])[-1]
    assert (allowed["guard"], allowed["allowed"], allowed["facts"]) == ("ramp", True, {"a_day": 2})


def test_places_that_were_used_today_are_used_and_those_given_back_are_free(tenant: Tenant, campaign: Campaign) -> None:
    may_get(tenant, 3)
    got(campaign, 2, on=NOW - timedelta(hours=1))
    due(campaign, 2)

    assert len(claimed(campaign).message_ids) == 1
    first = Touch.objects.order_by("pk").first()
    assert first is not None
    first.delete()
    Message.objects.filter(state="postponed").update(due_at=NOW)
    assert len(claimed(campaign).message_ids) == 1


def test_a_domain_that_never_got_anything_begins_with_the_first_number(tenant: Tenant, campaign: Campaign) -> None:
    due(campaign, 1)

    claimed(campaign)

    assert DomainRamp.objects.get(domain=DOMAIN).cap == ramp.FIRST == 200


def test_the_held_out_wait_for_the_same_days(tenant: Tenant, campaign: Campaign) -> None:
    may_get(tenant, 1)
    due(campaign, 1)
    [ghost] = due(campaign, 1, arm=Arm.HELD_OUT)

    claimed(campaign)

    assert reload(ghost).reason == "ramp"


@pytest.mark.parametrize(
    ("used", "state", "grown"),
    [
        (3, {}, 8),
        (2, {}, 8),
        (1, {}, 4),
        (3, {"state": "bounced", "reason": "bounced_hard"}, 4),
        (3, {"state": "failed", "reason": "mailbox_unknown"}, 4),
        (3, {"state": "complained"}, 4),
    ],
)
def test_a_day_that_was_used_and_went_well_doubles_it(
    tenant: Tenant, campaign: Campaign, used: int, state: dict[str, str], grown: int
) -> None:
    may_get(tenant, 4, on=NOW - 5 * DAY)
    got(campaign, used, on=NOW - 5 * DAY, **state)
    got(campaign, 1, on=NOW - 7 * DAY)  # of another day: it does not count
    due(campaign, 1)

    claimed(campaign)

    kept = DomainRamp.objects.get(domain=DOMAIN)
    assert (kept.cap, kept.day) == (grown, date(2026, 9, 30))


def test_whom_nothing_holds_back_any_more_is_not_counted(tenant: Tenant, campaign: Campaign) -> None:
    may_get(tenant, ramp.ENOUGH, on=NOW - 3 * DAY)
    due(campaign, 3)

    assert len(claimed(campaign).message_ids) == 3
    assert DomainRamp.objects.get(domain=DOMAIN).day == date(2026, 9, 27)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(wishes=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_no_day_ever_gets_more_than_its_places_and_everything_leaves_in_the_end(
    tenant: Tenant, campaign: Campaign, wishes: list[int]
) -> None:
    with transaction.atomic():
        may_get(tenant, 2)
        for number, wish in enumerate(wishes):
            today = NOW + number * DAY
            due(campaign, wish, due_at=today)
            left = claimed(campaign, at=today).message_ids
            Message.objects.filter(pk__in=left).update(state="delivered", handed_over_at=today)
            assert len(left) <= DomainRamp.objects.filter(domain=DOMAIN).values_list("cap", flat=True)[0]
        for later in range(len(wishes), len(wishes) + 30):
            left = claimed(campaign, at=NOW + later * DAY).message_ids
            Message.objects.filter(pk__in=left).update(state="delivered", handed_over_at=NOW + later * DAY)
        assert not Message.objects.exclude(state="delivered").exists()
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_both_take_the_last_place() -> None:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
    with acting_for(tenant.pk):
        campaign = make_sender(tenant, settings=OPEN)
        may_get(tenant, 1)
        due(campaign, 2)
    others: list[int] = []
    looking = threading.Event()

    def work() -> None:
        try:
            with acting_for(tenant.pk):
                asking, hours = asking_of(campaign, now=NOW), Hours.load(NOW)
                looking.set()
                others.extend(claim(asking, hours=hours, limit=500, slow_start=True).message_ids)
        finally:
            connection.close()

    other = threading.Thread(target=work)
    with acting_for(tenant.pk):
        # One each to look at: this claim leaves the second message to the other worker.
        ours = claim(asking_of(campaign, now=NOW), hours=Hours.load(NOW), limit=1, slow_start=True).message_ids
        other.start()
        assert looking.wait(20)
        other.join(0.5)
        assert other.is_alive(), "it does not wait for the domain"
    other.join(20)

    assert (len(ours), others) == (1, [])


@pytest.mark.parametrize(
    ("provider", "options", "slowly"),
    [
        ("smtp", {"host": "mail.example.com"}, True),
        ("smtp", {"host": "mail.example.com", "slow_start": False}, False),
        ("smtp", {"host": "mail.example.com", "domain_limits": False}, False),
        ("local", {}, False),
    ],
)
def test_a_sender_that_is_known_and_an_outbox_that_nobody_reads_do_not_start_slowly(
    tenant: Tenant, campaign: Campaign, monkeypatch: pytest.MonkeyPatch, provider: str, options: Any, slowly: bool
) -> None:
    through = connect(tenant, kind="email", provider=provider, options=options, priority=1, now=NOW, actor="test")
    asked: list[bool] = []

    def spied(*args: Any, slow_start: bool, **kwargs: Any) -> Claim:
        asked.append(slow_start)
        return claim(*args, slow_start=slow_start, **kwargs)

    monkeypatch.setattr("campaigns.delivery.claiming.claim", spied)
    sending.send_due(tenant, now=NOW)

    assert starts_slowly(through) is slowly
    assert asked == [slowly]


def test_another_tenants_mail_teaches_nothing(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    with acting_for(theirs.pk):
        campaign = make_sender(theirs, settings=OPEN)
        may_get(theirs, 2, on=NOW - DAY)
        got(campaign, 2, on=NOW - DAY)
    with acting_for(ours.pk):
        campaign = make_sender(ours, settings=OPEN)
        due(campaign, 1)
        claimed(campaign)
        assert DomainRamp.objects.for_tenant(ours).get().cap == ramp.FIRST
