"""Deliveries arrive signed, once or again with the same id, and tell no more than was chosen."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tenants.webhooks import delivering, endpoints, recording, signing
from tenants.webhooks.models import WebhookDelivery
from tenants.webhooks.payloads import webhook_id
from tenants.webhooks.replaying import replay, tidy
from tests import factories
from tests.at_once import at_once
from tests.providers.http_server import Answer, serving
from tests.webhooks.making import NOW, deliver, feed, happen, make_endpoint, one_event, only
from winback.providers.tenant_calls import Answer as Said
from winback.tenancy import acting_for, acting_for_all

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def addresses_of_this_machine(settings: Any) -> None:
    settings.WINBACK_ALLOW_PRIVATE_ADDRESSES = True


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
        counts = at_once(*[lambda: deliver(tenant)] * 3)

    assert sum(count["arrived"] for count in counts) == 150
    cohorts = [json.loads(request.body)["data"]["cohort"] for request in server.requests]
    assert sorted(cohorts) == list(range(150))
