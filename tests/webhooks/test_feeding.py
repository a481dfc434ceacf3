"""From the journal to the deliveries: each event once for each endpoint that wants it, whatever commits when."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from campaigns.audience.models import Contact
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tenants.webhooks import endpoints, feeding
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint
from tenants.webhooks.replaying import replay
from tests import factories
from tests.webhooks.making import NOW, feed, happen, make_endpoint
from winback.tenancy import acting_for, acting_for_all

DAY = timedelta(days=1)


def kinds_for(endpoint: WebhookEndpoint) -> list[str]:
    rows = WebhookDelivery.objects.for_tenant(endpoint.tenant_id).filter(endpoint=endpoint)
    return list(rows.order_by("event_id").values_list("kind", flat=True))


def test_an_event_becomes_one_delivery_for_each_endpoint_that_wants_it(tenant: Tenant) -> None:
    lapses = make_endpoint(tenant, kinds=["customer.dormant"])
    everything = make_endpoint(tenant, kinds=["customer.dormant", "message.sent"])
    happen(tenant)
    happen(tenant, "message.handed_over", data={"channel": "email", "campaign": 3})
    happen(tenant, "contact.tagged")

    assert feed(tenant) == 3

    assert kinds_for(lapses) == ["customer.dormant"]
    assert kinds_for(everything) == ["customer.dormant", "message.sent"]


def test_feeding_again_changes_nothing(tenant: Tenant) -> None:
    make_endpoint(tenant)
    happen(tenant)

    assert [feed(tenant), feed(tenant), feed(tenant)] == [1, 0, 0]


def test_what_happened_before_an_endpoint_was_made_is_not_told(tenant: Tenant) -> None:
    happen(tenant)
    make_endpoint(tenant)

    assert feed(tenant) == 0


def test_what_happened_while_it_was_switched_off_is_told_on_demand_alone(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    endpoints.disable(endpoint, reason="person", now=NOW, actor="test")
    happen(tenant)
    assert feed(tenant) == 0
    endpoints.enable(endpoint, now=NOW, actor="test")
    assert feed(tenant) == 0

    replayed = replay(endpoint, since=NOW - DAY, until=NOW + DAY, now=NOW, actor="test")

    assert (replayed.again, replayed.missed) == (0, 1)
    assert kinds_for(endpoint) == ["customer.dormant"]


def test_another_tenant_s_events_and_endpoints_are_left_alone(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    make_endpoint(ours)
    happen(theirs)

    with acting_for(ours.pk):
        assert feed(ours) == 0
    assert feed(theirs) == 0
    assert not WebhookDelivery.objects.exists()


def test_reading_begins_at_the_last_point_before_the_oldest_transaction() -> None:
    points = [[10.0, 100], [20.0, 200], [30.0, 300]]

    assert feeding._from(points, 25.0) == [[20.0, 200], [30.0, 300]]
    assert feeding._from(points, 31.0) == [[30.0, 300]]
    assert feeding._from(points, 20.0) == [[20.0, 200], [30.0, 300]]
    assert feeding._from(points, 5.0) == points


@pytest.fixture
def lasting(transactional_db: None) -> Tenant:
    """A tenant that other connections see."""
    with acting_for_all("test set-up"):
        return factories.make_tenant()


def test_an_event_that_commits_after_a_later_one_was_read_is_not_lost(lasting: Tenant) -> None:
    """A long transaction takes a low id early and commits late: the cursor has gone past that id meanwhile."""
    with acting_for(lasting.pk):
        make_endpoint(lasting)
    written, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with acting_for(lasting.pk):
                happen(lasting, data={"cohort": 12})
                written.set()
                assert may_commit.wait(20)
        finally:
            connection.close()

    slow = threading.Thread(target=slowly)
    slow.start()
    try:
        assert written.wait(20)
        with acting_for(lasting.pk):
            happen(lasting, data={"cohort": 6})
        rounds = []
        for _ in range(3):
            with acting_for(lasting.pk):
                rounds.append(feed(lasting))
        assert rounds == [1, 0, 0]
    finally:
        may_commit.set()
        slow.join(20)
    with acting_for(lasting.pk):
        assert feed(lasting) == 1
        assert feed(lasting) == 0
        told = WebhookDelivery.objects.for_tenant(lasting).order_by("event_id")
        assert [delivery.data["cohort"] for delivery in told] == [12, 6]
        assert list(told.values_list("event_id", flat=True)) == list(
            Event.objects.for_tenant(lasting)
            .filter(kind="customer.dormant")
            .order_by("id")
            .values_list("id", flat=True)
        )


def test_feeding_asks_as_many_questions_for_many_as_for_one(tenant: Tenant, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):
        make_endpoint(tenant)
    contact: Contact = factories.make_contact(tenant)
    for _ in range(30):
        happen(tenant, contact_id=contact.pk)
    feed(tenant)

    with django_assert_num_queries(7):
        feed(tenant)
