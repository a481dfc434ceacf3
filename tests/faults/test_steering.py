"""What a person does to a running campaign acts on what is planned and claimed already, and repeats nothing.

Counted in messages, not in seconds: once somebody has paused, at most the group leaves that is on its way.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from campaigns.delivery import handing_over, hearing, outbox, pacing, sending
from campaigns.delivery.sending import send_due
from campaigns.operating.planning import plan
from campaigns.planning import campaigning
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Campaign, Enrolment, Message, Step, Variant
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections import breaker
from tenants.connections.connecting import disable
from tenants.connections.models import Connection
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
MINUTE = timedelta(minutes=1)
GROUP, CLAIM = 4, 10


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_over, "GROUP_SIZE", GROUP)
    monkeypatch.setattr(sending, "CLAIM_SIZE", CLAIM)


def while_it_sends(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], object]) -> None:
    """Have something happen right after the provider has taken so many messages."""
    send = FakeEmailProvider.send

    def watched(self: FakeEmailProvider, mails: Any, witness: Any) -> None:
        for mail in mails:
            send(self, [mail], witness)
            if len(FakeEmailProvider.sent) == number:
                happens()

    monkeypatch.setattr(FakeEmailProvider, "send", watched)


def sent() -> list[str]:
    return [mail.reference for mail in FakeEmailProvider.sent]


def references(messages: list[Message]) -> list[str]:
    return [f"wb-{message.pk}" for message in messages]


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    return make_sender(tenant)


@pytest.fixture
def due(campaign: Campaign) -> list[Message]:
    """A score of messages in the order in which they are due."""
    return [make_due(campaign, due_at=NOW - (20 - number) * MINUTE) for number in range(20)]


def test_a_pause_lets_the_group_go_that_is_leaving_and_nothing_more(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = dict(Message.objects.values_list("pk", "due_at"))
    while_it_sends(monkeypatch, 5, lambda: campaigning.pause(campaign, reason="a storm", now=NOW, actor="test"))

    send_due(tenant, now=NOW)

    assert sent() == references(due)[: 2 * GROUP]
    assert Message.objects.filter(state="planned").count() == 20 - 2 * GROUP
    assert dict(Message.objects.values_list("pk", "due_at")) == places
    assert send_due(tenant, now=NOW + MINUTE)["handed_over"] == 0


@pytest.mark.parametrize("what", ["connection disabled", "connection paused", "module suspended", "tenant suspended"])
def test_what_else_is_stopped_lets_the_group_go_that_is_leaving_and_nothing_more(
    tenant: Tenant, campaign: Campaign, due: list[Message], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        email = Connection.objects.for_tenant(tenant).get(kind="email")
        if what == "connection disabled":
            disable(email, now=NOW, actor="a")
        elif what == "connection paused":
            breaker.pause(email, reason="seen by another worker", now=NOW)
        elif what == "module suspended":
            ModuleActivation.objects.update(state="suspended")
        else:
            Tenant.objects.filter(pk=tenant.pk).update(state="suspended")

    while_it_sends(monkeypatch, 5, stop)

    send_due(tenant, now=NOW)

    assert sent() == references(due)[: 2 * GROUP]
    assert Message.objects.filter(state="handed_over").count() == 2 * GROUP
    assert not Message.objects.filter(state__in=("claimed", "handing_over")).exists()


def test_a_new_speed_limit_holds_for_whatever_has_not_had_its_turn(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "CLAIM_SIZE", 20)
    monkeypatch.setattr(pacing, "pause_for", lambda _: None)
    while_it_sends(monkeypatch, 5, lambda: Connection.objects.update(settings={"per_second": 0.001}))

    send_due(tenant, now=NOW)

    # The group that is leaving, and the one behind it, which had its turn; of all others the first, by the new limit.
    assert sent() == references(due)[: 3 * GROUP + 1]
    assert Message.objects.filter(state="postponed", reason="rate_limit").count() == 20 - 3 * GROUP - 1


@pytest.mark.parametrize(("seconds_each", "within"), [(0.05, 5), (1, 5), (6, 6)])
def test_where_the_provider_is_slow_groups_are_small_so_that_a_pause_acts_within_seconds(
    tenant: Tenant, campaign: Campaign, seconds_each: float, within: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_over, "GROUP_SIZE", 50)
    monkeypatch.setattr(sending, "CLAIM_SIZE", 500)
    for _ in range(120):
        make_due(campaign)
    clock, started = [0.0], []
    for module in (handing_over, hearing):
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    send = FakeEmailProvider.send

    def slowly(self: FakeEmailProvider, mails: Any, witness: Any) -> None:
        for mail in mails:
            started.append(clock[0])
            send(self, [mail], witness)
            clock[0] += seconds_each
            if len(started) == 61:
                paused.append(clock[0])
                campaigning.pause(campaign, reason="a storm", now=NOW, actor="test")

    paused: list[float] = []
    monkeypatch.setattr(FakeEmailProvider, "send", slowly)

    send_due(tenant, now=NOW)

    assert len(started) < 120
    assert started[-1] + seconds_each - paused[0] <= within
    assert seconds_each > 0.05 or len(started) - 61 > 20, "a quick one is not made slow by small groups"


def test_a_claim_whose_lease_is_over_takes_no_more_turns(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "CLAIM_SIZE", 20)
    clock = [0.0]
    for module in (handing_over, hearing):
        monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    turns: list[int] = []
    pace = pacing.pace

    def counted(connection: Connection, loads: Any, **more: Any) -> Any:
        turns.append(len(loads))
        return pace(connection, loads, **more)

    def lease_runs_out() -> None:
        Message.objects.filter(state="claimed").update(lease_until=NOW - DAY)
        clock[0] += outbox.LEASE_SECONDS

    monkeypatch.setattr(pacing, "pace", counted)
    while_it_sends(monkeypatch, GROUP, lease_runs_out)

    send_due(tenant, now=NOW, limit=GROUP)

    assert turns == [GROUP]
    assert sent() == references(due)[:GROUP]


def test_a_resume_goes_on_in_its_place_and_repeats_nothing(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause() -> None:
        campaigning.pause(campaign, reason="", now=NOW, actor="test")

    for number in (3, 9, 14):
        while_it_sends(monkeypatch, number, pause)
        send_due(tenant, now=NOW)
        campaigning.resume(campaign, now=NOW, actor="test")
    send_due(tenant, now=NOW)

    assert sent() == references(due)


def test_who_books_while_it_sends_gets_nothing_more_though_it_was_claimed(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    booked = [message.contact_id for message in due[6:12]]
    while_it_sends(monkeypatch, 2, lambda: end_enrolments(tenant.pk, contact_ids=booked, ended_by="booking", now=NOW))

    send_due(tenant, now=NOW)

    assert sent() == references([*due[:6], *due[12:]])
    assert set(Message.objects.filter(contact_id__in=booked).values_list("state", "reason")) == {
        ("cancelled", "booking")
    }


def test_a_clock_set_back_sends_nothing_twice_and_nothing_early(
    tenant: Tenant, campaign: Campaign, due: list[Message]
) -> None:
    send_due(tenant, now=NOW - 10 * MINUTE, limit=GROUP)
    for moment in (NOW - DAY, NOW - 30 * DAY, NOW - 12 * MINUTE):
        plan(tenant, now=moment)
        send_due(tenant, now=moment)
    assert sent() == references(due)[:9]  # those that are due by the last of these clocks

    send_due(tenant, now=NOW)

    assert sent() == references(due)


def test_a_recovery_by_a_clock_set_back_takes_nothing_from_a_sender_at_work(
    tenant: Tenant, campaign: Campaign, due: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases go by the database's clock alone."""
    while_it_sends(monkeypatch, 2, lambda: send_due(tenant, now=NOW + 900 * DAY))
    send_due(tenant, now=NOW, limit=CLAIM)
    while_it_sends(monkeypatch, 12, lambda: send_due(tenant, now=NOW - 900 * DAY))
    send_due(tenant, now=NOW)

    assert len(sent()) == len(set(sent()))
    assert set(sent()) <= set(references(due))


@pytest.mark.parametrize("edit", ["words", "weights", "later", "sooner", "another version"])
def test_a_campaign_edited_while_it_runs_says_each_step_once_to_each(
    tenant: Tenant, campaign: Campaign, due: list[Message], edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Enrolment.objects.update(next_action_at=NOW + DAY)
    steps = Step.objects.filter(campaign=campaign).order_by("position")
    second = steps[1]

    def change() -> None:
        if edit == "words":
            template = Variant.objects.filter(step=steps[0], channel="email")[0].template
            template.pk, template.version, template.subject = None, template.version + 1, "Something else"
            template.save()
            Variant.objects.filter(step=steps[0], channel="email").update(template=template)
        elif edit == "weights":
            Variant.objects.filter(step__in=steps).update(weight=7)
        elif edit == "another version":
            Campaign.objects.update(workflow_version=2)
        else:
            Step.objects.filter(pk=second.pk).update(day=second.day + (3 if edit == "later" else -second.day))

    while_it_sends(monkeypatch, 5, change)
    for day in range(12):
        plan(tenant, now=NOW + day * DAY)
        send_due(tenant, now=NOW + day * DAY)

    told = Message.objects.values_list("enrolment_id", "step_code", "state")
    assert len({(enrolment, step) for enrolment, step, _ in told}) == len(told)
    assert {step for _, step, state in told if state == "handed_over"} >= {steps[0].code, second.code}
    assert all(sum(of == enrolment for of, _, _ in told) >= 2 for enrolment, _, _ in told)
    assert len(sent()) == len(set(sent()))
