"""An endpoint that fails is tried again, rests, is switched off in the end, and holds up no other."""

from datetime import timedelta
from typing import Any

import pytest

from campaigns.audience.known import known_to
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tenants.webhooks import delivering
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.webhooks.replaying import replay_one
from tenants.webhooks.retrying import TRIES
from tests.providers.http_server import Answer, serving
from tests.webhooks.making import NOW, deliver, feed, happen, make_endpoint, one_event, only

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def addresses_of_this_machine(settings: Any) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500), "answered 500"),
        (Answer(404), "answered 404"),
        (Answer(302, headers={"Location": "http://127.0.0.1:1/inside"}), "redirects are not followed"),
        (Answer(cut=True), "the connection failed"),
        (Answer(hang=30), "no answer within"),
    ],
    ids=["500", "404", "redirect", "cut", "silence"],
)
def test_what_does_not_arrive_is_tried_again(tenant: Tenant, answer: Answer, words: str) -> None:
    with serving(lambda _: answer) as server:
        one_event(tenant, server.url)
        assert deliver(tenant, seconds=answer.patience)["failed"] == 1

    delivery = only(tenant)
    assert words in delivery.error
    assert (delivery.state, delivery.attempts, delivery.lease_until) == ("waiting", 1, None)
    assert NOW < delivery.next_try_at < NOW + timedelta(seconds=6)
    assert len(server.requests) == 1


def test_after_three_days_of_tries_it_is_given_up_and_a_person_can_send_it_again(tenant: Tenant) -> None:
    now = NOW
    fate = [500]
    with serving(lambda _: Answer(fate[0])) as server:
        one_event(tenant, server.url)
        ids = set()
        for _ in range(TRIES):
            deliver(tenant, now=now)
            now = max(now, only(tenant).next_try_at) + timedelta(seconds=1)
        delivery = only(tenant)
        assert (delivery.state, delivery.attempts) == ("given_up", TRIES)
        assert timedelta(hours=60) < now - NOW < timedelta(hours=90)
        assert deliver(tenant, now=now + 30 * DAY) == {"arrived": 0, "failed": 0, "given_up": 0, "put_off": 0}

        fate[0] = 200
        assert replay_one(delivery, now=now, actor="user 1")
        assert deliver(tenant, now=now)["arrived"] == 1

    ids = {request.headers["webhook-id"] for request in server.requests}
    assert len(server.requests) == TRIES + 1
    assert len(ids) == 1
    assert AuditEntry.objects.for_tenant(tenant).filter(action="webhook.replayed", actor="user 1").exists()


def test_410_switches_the_endpoint_off_at_once(tenant: Tenant) -> None:
    with serving(lambda _: Answer(410)) as server:
        endpoint = one_event(tenant, server.url)
        for _ in range(3):
            happen(tenant)
        feed(tenant)
        deliver(tenant)

    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "gone")
    assert deliver(tenant, now=NOW + DAY)["arrived"] == 0
    assert WebhookDelivery.objects.for_tenant(tenant).exclude(state="waiting").count() == 0


def test_retry_after_is_kept_and_those_behind_it_use_no_try(tenant: Tenant) -> None:
    with serving(lambda _: Answer(429, headers={"Retry-After": "900"})) as server:
        endpoint = make_endpoint(tenant, server.url)
        for _ in range(20):
            happen(tenant)
        feed(tenant)
        counts = deliver(tenant)
        asked = len(server.requests)
        assert deliver(tenant, now=NOW + timedelta(minutes=14))["failed"] == 0

    assert counts["failed"] == asked <= delivering.LANES
    assert counts["put_off"] == 20 - asked
    endpoint.refresh_from_db()
    assert endpoint.rests_until == NOW + timedelta(seconds=900)
    attempts = WebhookDelivery.objects.for_tenant(tenant).values_list("attempts", flat=True)
    assert sorted(attempts) == [0] * (20 - asked) + [1] * asked
    assert min(WebhookDelivery.objects.for_tenant(tenant).values_list("next_try_at", flat=True)) > NOW + timedelta(
        seconds=899
    )


def test_an_endpoint_at_which_nothing_arrives_for_days_is_switched_off(tenant: Tenant) -> None:
    with serving(lambda _: Answer(500)) as server:
        endpoint = one_event(tenant, server.url)
        deliver(tenant)
        for hours in (50, 100, 119):
            happen(tenant)
            feed(tenant, now=NOW + hours * HOUR)
            deliver(tenant, now=NOW + hours * HOUR)
            endpoint.refresh_from_db()
            assert endpoint.state == "active"
        happen(tenant)
        feed(tenant, now=NOW + 121 * HOUR)
        deliver(tenant, now=NOW + 121 * HOUR)

    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "failing")


def test_one_that_arrives_in_between_keeps_it_in_use(tenant: Tenant) -> None:
    fate = [500]
    with serving(lambda _: Answer(fate[0])) as server:
        endpoint = one_event(tenant, server.url)
        for hours, status in ((0, 500), (100, 200), (130, 500), (200, 500)):
            fate[0] = status
            happen(tenant)
            feed(tenant, now=NOW + hours * HOUR)
            deliver(tenant, now=NOW + hours * HOUR)

    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failing_since) == ("active", NOW + 130 * HOUR)


def test_one_endpoint_that_is_away_holds_up_no_other(tenant: Tenant) -> None:
    with serving(lambda _: Answer()) as server:
        make_endpoint(tenant, "http://127.0.0.1:1025/nobody-listens")
        make_endpoint(tenant, server.url)
        for _ in range(60):
            happen(tenant)
        feed(tenant)
        counts = deliver(tenant)

    assert counts["arrived"] == 60
    assert counts["failed"] <= delivering.LANES
    assert len({request.headers["webhook-id"] for request in server.requests}) == 60


def test_a_private_address_is_refused_when_the_connection_is_made(tenant: Tenant, settings: Any) -> None:
    with serving(lambda _: Answer()) as server:
        one_event(tenant, server.url)
        settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = False
        counts = delivering.deliver(tenant, now=NOW, people=known_to)

    assert counts["failed"] == 1
    assert server.requests == []
    assert "https://" in only(tenant).error


def test_a_secret_that_cannot_be_opened_counts_against_nobody(tenant: Tenant) -> None:
    endpoint = one_event(tenant, "http://127.0.0.1:1025/")
    WebhookEndpoint.objects.for_tenant(tenant).filter(pk=endpoint.pk).update(secrets=b"garbled")

    assert deliver(tenant)["put_off"] == 1
    assert (only(tenant).attempts, only(tenant).state) == (0, "waiting")
