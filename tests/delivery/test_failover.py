"""Limits, order and trials of connections, seen from what becomes of the messages."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from campaigns.delivery import pacing
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Campaign, Message
from tenants.accounts.models import Tenant
from tenants.connections import breaker
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from tests.delivery.making import make_due, make_sender
from tests.factories import NOW
from winback.providers.email.fake import FakeEmailProvider


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    FakeEmailProvider.sent.clear()
    yield
    FakeEmailProvider.sent.clear()


def due(campaign: Campaign, number: int) -> list[Message]:
    return [make_due(campaign) for _ in range(number)]


def states(messages: list[Message]) -> list[str]:
    for message in messages:
        message.refresh_from_db()
    return sorted(message.state for message in messages)


def sent() -> int:
    return len({mail.reference for mail in FakeEmailProvider.sent})


def second(tenant: Tenant, **options: object) -> Connection:
    return connect(
        tenant, kind="email", provider="fake", label="second", priority=20, options=options, now=NOW, actor="a"
    )


def test_what_is_over_the_limit_waits_until_its_turn_and_uses_no_attempt(tenant: Tenant) -> None:
    messages = due(make_sender(tenant, per_second=0.01), 3)

    counts = send_due(tenant, now=NOW)

    assert (counts["handed_over"], counts["postponed"]) == (1, 2)
    assert states(messages) == ["handed_over", "postponed", "postponed"]
    for message in messages:
        if message.state == "postponed":
            assert (message.reason, message.attempts) == ("rate_limit", 0)
            assert NOW + timedelta(seconds=90) < message.due_at <= NOW + timedelta(seconds=100)


def test_a_short_wait_is_waited_for(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(pacing, "SHORTEST_WAIT", timedelta())
    wait = pacing.pause_for

    def waiting(seconds: float) -> None:
        waits.append(seconds)
        wait(seconds + 0.01)

    monkeypatch.setattr(pacing, "pause_for", waiting)
    messages = due(make_sender(tenant, per_second=10), 13)

    counts = send_due(tenant, now=NOW)

    assert counts["handed_over"] == 13
    assert states(messages) == ["handed_over"] * 13
    assert waits
    assert max(waits) <= 0.1


def test_when_the_first_is_in_trouble_the_next_in_order_takes_them(tenant: Tenant) -> None:
    messages = due(make_sender(tenant, fail="trouble"), 3)
    other = second(tenant)

    send_due(tenant, now=NOW)

    assert states(messages) == ["handed_over"] * 3
    assert {message.connection_id for message in messages} == {other.pk}
    assert {message.attempts for message in messages} == {1}
    assert Connection.objects.for_tenant(tenant).exclude(pk=other.pk).get(kind="email").state == "paused"


def test_what_was_begun_is_not_given_to_another_provider(tenant: Tenant) -> None:
    messages = due(make_sender(tenant, fail="unknown"), 3)
    first = Connection.objects.for_tenant(tenant).get(kind="email")
    other = second(tenant)

    send_due(tenant, now=NOW)

    assert states(messages) == ["handed_over", "handed_over", "unknown"]
    used = {message.state: message.connection_id for message in messages}
    assert used == {"unknown": first.pk, "handed_over": other.pk}


def test_both_in_trouble_burn_no_attempt(tenant: Tenant) -> None:
    messages = due(make_sender(tenant, fail="trouble"), 2)
    second(tenant, fail="trouble")

    send_due(tenant, now=NOW)

    assert states(messages) == ["postponed"] * 2
    assert {(message.reason, message.attempts) for message in messages} == {("provider_trouble", 0)}
    assert set(Connection.objects.for_tenant(tenant).filter(kind="email").values_list("state", flat=True)) == {"paused"}


def test_a_trial_that_goes_well_lets_the_rest_follow(tenant: Tenant) -> None:
    messages = due(make_sender(tenant), 9)
    connection = Connection.objects.for_tenant(tenant).get(kind="email")
    breaker.pause(connection, reason="down", now=NOW)
    breaker.answered(connection, now=NOW)

    send_due(tenant, now=NOW)

    assert states(messages) == ["handed_over"] * 9
    connection.refresh_from_db()
    assert (connection.state, connection.failures) == ("active", 0)


def test_a_trial_that_goes_badly_risks_a_few_alone(tenant: Tenant) -> None:
    messages = due(make_sender(tenant, fail="unknown"), 9)
    connection = Connection.objects.for_tenant(tenant).get(kind="email")
    breaker.pause(connection, reason="down", now=NOW)
    breaker.answered(connection, now=NOW)

    send_due(tenant, now=NOW)

    assert states(messages) == ["postponed"] * 8 + ["unknown"]
    connection.refresh_from_db()
    assert (connection.state, connection.failures) == ("paused", 2)
