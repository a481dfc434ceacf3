"""Appliers die at any moment, work at once, and meet the sender: each report counts once, and none is lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.audience.models import Suppression
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem, Interaction
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests import factories
from tests.at_once import at_once
from tests.factories import NOW
from tests.tracking.applied import reached
from tests.tracking.reporting import about, make_reporting, report
from winback.tenancy import acting_for, acting_for_all

LATER = NOW + timedelta(days=3650)
KINDS = ["accepted", "deferred", "delivered", "bounced", "failed", "complained", "unsubscribed", "opened", "clicked"]


def outcome(tenant: Tenant) -> tuple[Any, ...]:
    """Everything that reports decide, without when."""
    return (
        sorted(Message.objects.for_tenant(tenant).values_list("pk", "state", "reason", "error", "provider_id")),
        sorted(Interaction.objects.for_tenant(tenant).values_list("kind", "dedupe_key", "message_id", "contact_id")),
        sorted(
            Suppression.objects.for_tenant(tenant).values_list("channel", "address_hmac", "reason", "lifted_at"),
            key=str,
        ),
        sorted(Enrolment.objects.for_tenant(tenant).values_list("pk", "state", "ended_by")),
    )


class Undo(Exception):
    """Raised to take back what an example did."""


one_report = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "bounce": st.sampled_from(["hard", "soft", "blocked", "content", "unknown"]),
        "code": st.sampled_from(["", "4.2.2", "5.1.1", "5.7.1"]),
        "of": st.integers(0, 2),
        "key": st.integers(0, 5),
    }
)


@pytest.mark.usefixtures("catalog")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=st.lists(one_report, min_size=1, max_size=12), shuffles=st.randoms(use_true_random=False))
def test_any_order_any_batches_and_repeats_end_the_same(
    tenant: Tenant, client: Client, stream: list[dict[str, Any]], shuffles: Any
) -> None:
    connection = _once(tenant)
    messages = list(Message.objects.for_tenant(tenant).filter(step_code="hello").order_by("pk"))
    # What a provider calls by one key is one event, so its words are the same.
    events = {(one["kind"], one["of"], one["key"]): one for one in stream}
    said = [
        about(messages[one["of"]], one["kind"], key=f"{one['of']}-{one['key']}", bounce=one["bounce"], code=one["code"])
        for one in events.values()
    ]
    ends = []
    for turn in range(3):
        try:
            with transaction.atomic():
                order = said if turn == 0 else [*said, *shuffles.sample(said, len(said) // 2)]
                if turn:
                    shuffles.shuffle(order)
                for start in range(0, len(order), 3):
                    report(client, connection, *order[start : start + 3])
                    if turn != 1:
                        applying.apply(tenant, now=LATER)
                applying.apply(tenant, now=LATER)
                ends.append(outcome(tenant))
                raise Undo
        except Undo:
            pass

    assert ends[0] == ends[1] == ends[2]


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("kinds", [("bounced", "complained"), ("complained", "bounced")])
def test_what_the_person_said_outweighs_a_dead_address_in_either_order(
    tenant: Tenant, client: Client, kinds: tuple[str, ...]
) -> None:
    connection = _once(tenant)
    message = Message.objects.for_tenant(tenant).filter(step_code="hello").order_by("pk")[0]

    for kind in kinds:
        report(client, connection, about(message, kind, key=kind, bounce="hard", code=""))
        applying.apply(tenant, now=LATER)

    assert set(Suppression.objects.for_tenant(tenant).values_list("reason", flat=True)) == {"complained"}


def _once(tenant: Tenant) -> Connection:
    """The connection and three messages, made once for all examples."""
    found = Connection.objects.for_tenant(tenant).first()
    if found is not None:
        return found
    connection = make_reporting(tenant)
    for number, state in enumerate(("handed_over", "unknown", "handing_over")):
        reached(tenant, connection, f"robin{number}@example.com", state=state)
    return connection


@pytest.fixture
def busy(tenant: Tenant, client: Client) -> Connection:
    connection = _once(tenant)
    first, second, third = Message.objects.for_tenant(tenant).filter(step_code="hello").order_by("pk")
    report(client, connection, about(first, "delivered"), about(first, "complained"))
    report(client, connection, about(second, "bounced", bounce="hard"), about(second, "clicked"))
    report(client, connection, about(third, "unsubscribed"), about(third, "delivered"), about(first, "opened"))
    return connection


def test_an_applier_that_dies_at_any_statement_loses_and_doubles_nothing(tenant: Tenant, busy: Connection) -> None:
    class Killed(BaseException):
        pass

    def dying_at(number: int) -> Callable[..., Any]:
        left = [number]

        def run(execute: Callable[..., Any], *arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return execute(*arguments)

        return run

    before = outcome(tenant)
    deaths = 0
    while True:
        try:
            with transaction.atomic(), database.execute_wrapper(dying_at(deaths)):
                applying.apply(tenant, now=LATER)
            break
        except Killed:
            deaths += 1
            assert outcome(tenant) == before
            assert {item.state for item in InboxItem.objects.for_tenant(tenant)} == {"waiting"}
            assert deaths < 200

    assert deaths > 20
    assert {item.state for item in InboxItem.objects.for_tenant(tenant)} == {"applied"}
    assert Interaction.objects.for_tenant(tenant).count() == 7


@pytest.fixture
def committed(transactional_db: None, client: Client) -> tuple[Tenant, list[int]]:
    """Committed rows, because other sessions must see them: sixty messages, each reported three times."""
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
    with acting_for(tenant.pk):
        connection = make_reporting(tenant)
        campaign = factories.make_campaign(tenant)
        messages = []
        for number in range(20):
            person = factories.make_contact(tenant)
            enrolment = factories.make_enrolment(factories.make_episode(person), campaign)
            messages.append(
                factories.make_message(
                    enrolment,
                    state="handed_over",
                    handed_over_at=NOW,
                    connection=connection,
                    address_hmac=f"{number:064d}",
                )
            )
    for _ in range(3):
        for message in messages:
            report(client, connection, about(message, "delivered", key=f"d{message.pk}"), about(message, "opened"))
        report(client, connection, *[about(each, "complained", key=f"c{each.pk}") for each in reversed(messages)])
        report(client, connection, *[about(each, "bounced", bounce="hard", key=f"b{each.pk}") for each in messages])
    return tenant, [message.pk for message in messages]


def test_appliers_at_once_apply_each_report_once(
    committed: tuple[Tenant, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, _ = committed
    monkeypatch.setattr(applying, "BATCH", 5)  # so that they meet again and again

    done = at_once(*[lambda: applying.apply(tenant, now=LATER)] * 3)

    with acting_for(tenant.pk):
        assert set(Message.objects.for_tenant(tenant).values_list("state", flat=True)) == {"complained"}
        assert Interaction.objects.for_tenant(tenant).count() == 20 * (1 + 1 + 1 + 3)
        assert Suppression.objects.for_tenant(tenant).count() == 20
    assert sum(one.applied for one in done) == 20 * 6


def test_whoever_records_what_was_sent_goes_first(
    committed: tuple[Tenant, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, messages = committed

    def recording(moment: datetime = LATER) -> None:
        # A sender's group, in an order of its own.
        for _ in range(5):
            with acting_for(tenant.pk), database.cursor() as cursor:
                for pk in reversed(messages):
                    cursor.execute(
                        "UPDATE campaigns_message SET settled_at = %s WHERE tenant_id = %s AND id = %s",
                        [moment, tenant.pk, pk],
                    )

    at_once(recording, lambda: applying.apply(tenant, now=LATER))

    with acting_for(tenant.pk):
        assert not InboxItem.objects.for_tenant(tenant).filter(state="waiting").exists()
