"""Deliveries arrive signed, at least once, in spite of whatever the other side does."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from standardwebhooks import Webhook

from campaigns.audience.known import known_to
from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tenants.journal.models import AuditEntry
from tenants.webhooks import delivering, endpoints, recording, signing
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.webhooks.payloads import webhook_id
from tenants.webhooks.replaying import replay, replay_one, tidy
from tenants.webhooks.retrying import TRIES
from tests import factories
from tests.providers.http_server import Answer, serving
from tests.webhooks.making import NOW, deliver, feed, happen, make_endpoint, only
from winback.providers.tenant_calls import Answer as Said
from winback.tenancy import acting_for, acting_for_all

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def addresses_of_this_machine(settings: Any) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True


def one_event(tenant: Tenant, url: str, **wanted: Any) -> WebhookEndpoint:
    endpoint = make_endpoint(tenant, url, **wanted)
    happen(tenant)
    feed(tenant)
    return endpoint


def test_a_delivery_arrives_and_the_official_library_accepts_it(tenant: Tenant) -> None:
    contact: Contact = factories.make_contact(tenant, external_id="crm-77", email="robin@example.com")
    now = datetime.now(UTC)
    with serving(lambda _: Answer(200, b"thanks")) as server:
        endpoint = make_endpoint(tenant, f"{server.url}/hook?key=1")
        happen(tenant, contact_id=contact.pk, now=now)
        feed(tenant)
        assert deliver(tenant, now=now) == {"arrived": 1, "failed": 0, "given_up": 0, "put_off": 0}

    (request,) = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    told = Webhook(signing.opened(endpoint.secrets)[0].text).verify(request.body, headers)
    assert (request.path, request.query) == ("/hook", {"key": "1"})
    assert (told["type"], told["version"], told["sandbox"]) == ("customer.dormant", 1, True)
    assert told["timestamp"] == now.isoformat().replace("+00:00", "Z")
    assert told["data"]["contact"]["external_id"] == "crm-77"
    assert told["data"]["cohort"] == 6
    delivery = only(tenant)
    assert headers["webhook-id"] == webhook_id(delivery)
    assert (delivery.state, delivery.status, delivery.excerpt, delivery.attempts) == ("arrived", 200, "thanks", 1)


def test_nothing_personal_leaves_unless_the_tenant_chose_so(tenant: Tenant) -> None:
    contact: Contact = factories.make_contact(
        tenant, external_id="crm-77", email="robin@example.com", first_name="Robin", phone="+13125550182"
    )
    with serving(lambda _: Answer()) as server:
        make_endpoint(tenant, f"{server.url}/thin")
        make_endpoint(tenant, f"{server.url}/full", personal=True)
        happen(tenant, contact_id=contact.pk)
        feed(tenant)
        deliver(tenant)

    bodies = {request.path: request.body.decode() for request in server.requests}
    for word in ("robin@example.com", "Robin", "+13125550182"):
        assert word not in bodies["/thin"]
        assert word in bodies["/full"]
    assert f'"{contact.pk}"' not in bodies["/thin"]
    assert ":77" not in bodies["/thin"]


def test_who_was_erased_meanwhile_is_named_no_more(tenant: Tenant) -> None:
    contact: Contact = factories.make_contact(tenant, external_id="crm-77")
    with serving(lambda _: Answer()) as server:
        make_endpoint(tenant, server.url, personal=True)
        happen(tenant, contact_id=contact.pk)
        feed(tenant)
        Contact.objects.filter(pk=contact.pk).update(state=Contact.State.ERASED)
        deliver(tenant)

    assert server.requests[0].json()["data"]["contact"]["external_id"] is None
    assert "email" not in server.requests[0].json()["data"]["contact"]


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
        assert deliver(tenant)["failed"] == 1

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


def test_who_dies_between_the_call_and_its_record_sends_it_again_with_the_same_id(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*_: Any, **__: Any) -> None:
        raise Killed

    with serving(lambda _: Answer()) as server:
        one_event(tenant, server.url)
        with monkeypatch.context() as patched:
            patched.setattr(delivering, "record", dies)
            with pytest.raises(Killed):
                deliver(tenant)
        assert deliver(tenant, now=NOW + HOUR)["arrived"] == 0
        WebhookDelivery.objects.for_tenant(tenant).update(lease_until=NOW - 900 * DAY)
        assert deliver(tenant, now=NOW + HOUR)["arrived"] == 1

    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert only(tenant).attempts == 2


def test_a_record_that_comes_after_the_lease_changes_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow one finds that its claim is another's."""
    inner: list[dict[str, int]] = []

    class Slow:
        def post(self, body: bytes, headers: Any) -> Said:
            return Said(500, "", None, 1)

        def close(self) -> None:
            """Nothing is open."""

    class Quick(Slow):
        def post(self, body: bytes, headers: Any) -> Said:
            return Said(200, "", None, 1)

    one_event(tenant, "http://127.0.0.1:1025/")

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        if not inner:
            inner.append({})
            WebhookDelivery.objects.for_tenant(tenant).update(lease_until=NOW - 900 * DAY)
            inner[0] = deliver(tenant, connect=lambda url: Quick())
        return recording.record(*args, **kwargs)

    monkeypatch.setattr(delivering, "record", overtaken)
    deliver(tenant, connect=lambda url: Slow())

    assert inner[0]["arrived"] == 1
    assert (only(tenant).state, only(tenant).status) == ("arrived", 200)


def test_a_secret_that_cannot_be_opened_counts_against_nobody(tenant: Tenant) -> None:
    endpoint = one_event(tenant, "http://127.0.0.1:1025/")
    WebhookEndpoint.objects.for_tenant(tenant).filter(pk=endpoint.pk).update(secrets=b"garbled")

    assert deliver(tenant)["put_off"] == 1
    assert (only(tenant).attempts, only(tenant).state) == (0, "waiting")


def test_replaying_a_period_sends_what_did_not_arrive_or_everything(tenant: Tenant) -> None:
    with serving(lambda request: Answer(200 if b'"cohort":6' in request.body else 500)) as server:
        endpoint = make_endpoint(tenant, server.url)
        happen(tenant, data={"cohort": 6})
        happen(tenant, data={"cohort": 9})
        happen(tenant, now=NOW + 5 * DAY, data={"cohort": 9})
        feed(tenant)
        deliver(tenant)

    told: dict[str, Any] = {"since": NOW - DAY, "until": NOW + DAY, "now": NOW + HOUR, "actor": "test"}
    some = replay(endpoint, **told)
    assert (some.again, some.missed) == (1, 0)
    everything = replay(endpoint, arrived_too=True, **told)
    assert (everything.again, everything.missed) == (2, 0)


def test_old_deliveries_are_forgotten(tenant: Tenant) -> None:
    with serving(lambda _: Answer()) as server:
        one_event(tenant, server.url)
        deliver(tenant)

    assert tidy(tenant, now=NOW + 29 * DAY) == 0
    assert tidy(tenant, now=NOW + 31 * DAY) == 1


def test_another_tenant_s_deliveries_are_not_sent(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    with serving(lambda _: Answer()) as server:
        one_event(theirs, server.url)
        assert deliver(ours)["arrived"] == 0

    assert server.requests == []


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_delivery_once() -> None:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
    with serving(lambda _: Answer()) as server:
        with acting_for(tenant.pk):
            endpoints.create(tenant, endpoints.Wanted(server.url, ["customer.dormant"]), now=NOW, actor="test")
            for number in range(150):
                happen(tenant, data={"cohort": number})
            feed(tenant)
        counts: list[dict[str, int]] = []

        def work() -> None:
            try:
                counts.append(deliver(tenant))
            finally:
                connection.close()

        workers = [threading.Thread(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)

    assert sum(count["arrived"] for count in counts) == 150
    cohorts = [json.loads(request.body)["data"]["cohort"] for request in server.requests]
    assert sorted(cohorts) == list(range(150))
