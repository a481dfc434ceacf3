"""Asking providers what became of messages of which nothing is known: each in its turn, and less and less often."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from campaigns.delivery import recovering
from campaigns.delivery.recovering import look_up_unknown, recover
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests import factories
from tests.delivery.making import make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider
from winback.providers.errors import ProviderTrouble

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)

Answers = dict[str, bool | Exception | None]
Ask = Callable[[datetime], list[int]]


@pytest.fixture
def answers() -> Answers:
    """What the provider says of a message's reference; of all others it cannot tell."""
    return {}


@pytest.fixture
def unknown(tenant: Tenant) -> list[Message]:
    """Five messages that became unknown one after the other."""
    campaign = make_sender(tenant)
    connection = Connection.objects.get(kind="email")
    fields = {"state": "unknown", "connection": connection}
    return [
        factories.make_message(make_due(campaign).enrolment, "offer", settled_at=NOW + n * SECOND, **fields)
        for n in range(5)
    ]


@pytest.fixture
def ask(tenant: Tenant, unknown: list[Message], answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Look up at most two, and return the places of those that were asked about."""
    asked: list[int] = []

    def look_up(_: FakeEmailProvider, reference: str) -> bool | None:
        asked.append([f"wb-{message.pk}" for message in unknown].index(reference))
        answer = answers.get(reference)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(FakeEmailProvider, "look_up", look_up)
    monkeypatch.setattr(recovering, "MOST_LOOKED_UP", 2)

    def once(now: datetime) -> list[int]:
        asked.clear()
        look_up_unknown(tenant, now=now)
        return list(asked)

    return once


def test_what_nobody_can_tell_holds_up_no_other(ask: Ask) -> None:
    at = NOW + MINUTE

    assert [ask(at), ask(at), ask(at), ask(at)] == [[0, 1], [2, 3], [4], []]


def test_a_question_that_fails_holds_up_no_other(ask: Ask, answers: Answers, unknown: list[Message]) -> None:
    answers[f"wb-{unknown[0].pk}"] = ProviderTrouble("the provider chokes on this one")
    at = NOW + MINUTE

    assert [ask(at), ask(at), ask(at), ask(at)] == [[0], [1, 2], [3, 4], []]


def test_it_is_asked_again_after_as_long_as_it_has_been_unknown(ask: Ask) -> None:
    asked_at = []
    for halves in range(4 * 24 * 2):
        now = NOW + halves * 30 * MINUTE
        while places := ask(now):
            asked_at += [now] if 0 in places else []

    waits = [later - earlier for earlier, later in pairwise(asked_at)]
    assert asked_at[0] == NOW
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=6)
    assert asked_at[-1] < NOW + recovering.LOOK_UP_FOR
    assert len(asked_at) < 20


def test_what_is_told_is_settled_and_not_asked_about_again(ask: Ask, answers: Answers, unknown: list[Message]) -> None:
    answers[f"wb-{unknown[0].pk}"], answers[f"wb-{unknown[1].pk}"] = True, False

    ask(NOW + MINUTE)

    for message, state in zip(unknown[:3], ("handed_over", "planned", "unknown"), strict=True):
        message.refresh_from_db()
        assert message.state == state
    assert ask(NOW + MINUTE) == [2, 3]


def test_another_tenants_messages_are_not_asked_about(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    message = make_due(make_sender(theirs))
    Message.objects.filter(pk=message.pk).update(
        state="unknown", settled_at=NOW, connection=Connection.objects.for_tenant(theirs).get(kind="email")
    )

    assert look_up_unknown(ours, now=NOW + MINUTE) == {}
    assert look_up_unknown(theirs, now=NOW + MINUTE) == {"handed_over": 0, "planned": 1}


def test_after_a_week_without_an_answer_it_is_taken_for_sent(tenant: Tenant, unknown: list[Message]) -> None:
    week = timedelta(days=7)
    recover(tenant.pk, now=NOW + week - SECOND)
    assert Message.objects.filter(state="unknown").count() == 5

    assert recover(tenant.pk, now=NOW + week + SECOND)["handed_over"] == 2

    ours = Message.objects.filter(pk__in=[row.pk for row in unknown]).order_by("pk")
    settled, waiting = ("handed_over", "never_confirmed"), ("unknown", "")
    assert list(ours.values_list("state", "reason")) == [settled, settled, waiting, waiting, waiting]
