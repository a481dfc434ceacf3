"""What providers report moves the message it is about, in any order and once."""

import itertools
import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from campaigns.audience.models import Suppression
from campaigns.planning.models import Message
from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem, Interaction
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.applied import EMAIL, LATER, apply, reached, seen, suppressed
from tests.tracking.reporting import about, make_reporting, report
from winback.tenancy import acting_for

State = Message.State


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ({"kind": "delivered"}, "delivered", ""),
        ({"kind": "bounced", "bounce": "hard", "code": "5.1.1"}, "bounced", "bounced_hard"),
        ({"kind": "bounced", "bounce": "soft"}, "bounced", "bounced_soft"),
        ({"kind": "failed", "code": "30007"}, "failed", "failed_after_hand_over"),
        ({"kind": "complained"}, "complained", "complained"),
        ({"kind": "deferred"}, "handed_over", ""),
        ({"kind": "opened", "machine": True}, "handed_over", ""),
    ],
)
def test_moves_the_message(
    tenant: Tenant,
    client: Client,
    connection: Connection,
    message: Message,
    said: dict[str, Any],
    state: str,
    reason: str,
) -> None:
    report(client, connection, about(message, **said))

    assert apply(tenant) == (1, 0)
    assert seen(message) == (state, reason)


@pytest.mark.parametrize("before", [State.UNKNOWN, State.HANDING_OVER, State.HANDED_OVER])
def test_a_report_settles_what_was_not_known(
    tenant: Tenant, client: Client, connection: Connection, message: Message, before: str
) -> None:
    Message.objects.filter(pk=message.pk).update(state=before, reason="hand_over_interrupted", handed_over_at=None)

    report(client, connection, about(message, "delivered", provider_id="p1"))
    apply(tenant)

    assert seen(message) == ("delivered", "")
    assert message.handed_over_at is not None
    assert message.provider_id == "p1"


def test_a_sign_of_life_settles_the_unknown_but_not_what_is_being_handed_over(
    tenant: Tenant, client: Client, connection: Connection
) -> None:
    unknown = reached(tenant, connection, "one@example.com", state=State.UNKNOWN)
    leaving = reached(tenant, connection, "two@example.com", state=State.HANDING_OVER)

    report(client, connection, about(unknown, "accepted"), about(leaving, "accepted"))
    apply(tenant)

    assert [seen(unknown)[0], seen(leaving)[0]] == ["handed_over", "handing_over"]


def test_what_was_planned_again_and_had_left_does_not_leave_twice(
    tenant: Tenant, client: Client, connection: Connection
) -> None:
    lost = reached(tenant, connection, "one@example.com", state=State.PLANNED, attempts=1, handed_over_at=None)
    never = reached(tenant, connection, "two@example.com", state=State.PLANNED, attempts=0, handed_over_at=None)

    report(client, connection, about(lost, "delivered"), about(never, "delivered"))
    apply(tenant)

    assert [seen(lost)[0], seen(never)[0]] == ["delivered", "planned"]


def test_a_late_bounce_after_delivery_counts_and_a_late_delivery_does_not(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    for said in ({"kind": "delivered"}, {"kind": "bounced", "bounce": "hard"}, {"kind": "delivered"}):
        report(client, connection, about(message, **said))
        apply(tenant)

    assert seen(message) == ("bounced", "bounced_hard")


def test_a_message_is_found_by_the_providers_own_id(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    Message.objects.filter(pk=message.pk).update(provider_id="abc")
    other = make_reporting(tenant, label="another account", credentials={"webhook_secret": "two"})

    report(client, other, about(None, "bounced", provider_id="abc"), secret="two")
    apply(tenant)
    assert seen(message)[0] == "handed_over"

    report(client, connection, about(None, "delivered", provider_id="abc"))
    assert apply(tenant) == (1, 0)
    assert seen(message)[0] == "delivered"


def test_a_report_that_comes_before_the_answer_is_recorded_waits_for_it(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(None, "delivered", provider_id="abc"), about(message, "accepted"))
    (item,) = InboxItem.objects.for_tenant(tenant)
    now = item.received_at

    first = applying.apply(tenant, now=now)
    item.refresh_from_db()
    assert (first.applied, item.state, item.reason) == (1, "waiting", "message_not_known_yet")

    Message.objects.filter(pk=message.pk).update(provider_id="abc")
    applying.apply(tenant, now=now + timedelta(minutes=2))

    item.refresh_from_db()
    assert seen(message)[0] == "delivered"
    assert item.state == "applied"


def test_it_does_not_wait_for_ever(tenant: Tenant, client: Client, connection: Connection) -> None:
    report(client, connection, about(None, "delivered", provider_id="somebody else's"))
    (item,) = InboxItem.objects.for_tenant(tenant)

    for hours in range(30):
        applying.apply(tenant, now=item.received_at + timedelta(hours=hours))

    item.refresh_from_db()
    assert (item.state, item.reason, item.ignored) == ("ignored", "message_unknown", 1)
    assert not Interaction.objects.for_tenant(tenant).exists()


def test_a_report_about_no_message_of_ours_changes_nothing(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    strange = [
        about(None, "complained", reference="wb-999999999", address=EMAIL),
        about(None, "bounced", reference="test-0123", bounce="hard", address=EMAIL),
        about(None, "delivered", reference=f"wb-{'9' * 40}"),
        about(None, "delivered"),
        about(None, "clicked", address=EMAIL),
    ]

    report(client, connection, *strange)

    assert apply(tenant) == (0, 5)
    assert seen(message)[0] == "handed_over"
    assert suppressed(tenant) == set()
    assert not Interaction.objects.for_tenant(tenant).exists()


def test_another_tenants_message_is_out_of_reach(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours, theirs = two_tenants
    connection = make_reporting(ours)
    message = reached(theirs, make_reporting(theirs))

    report(client, connection, about(message, "complained", address=EMAIL))
    with acting_for(ours.pk):
        assert apply(ours) == (0, 1)

    assert seen(message)[0] == "handed_over"
    assert not Suppression.objects.filter(tenant__in=[ours, theirs]).exists()


def test_reports_in_any_order_and_twice_end_the_same(tenant: Tenant, client: Client, connection: Connection) -> None:
    stream = [
        {"kind": "accepted"},
        {"kind": "delivered"},
        {"kind": "bounced", "bounce": "hard", "code": "5.1.1"},
        {"kind": "complained"},
    ]
    ends = set()
    for number, order in enumerate(itertools.permutations(stream)):
        message = reached(tenant, connection, f"robin{number}@example.com", state=State.UNKNOWN, handed_over_at=None)
        said = [about(message, **one) for one in order]
        report(client, connection, *said[:2])
        apply(tenant)
        report(client, connection, *said[1:])
        report(client, connection, *reversed(said))
        apply(tenant)
        ends.add((*seen(message), message.error, kinds_of(message)))

    assert ends == {("complained", "complained", "", ("bounced", "complained", "delivered"))}


def kinds_of(message: Message) -> Sequence[str]:
    rows = Interaction.objects.for_tenant(message.tenant_id).filter(message=message)
    return tuple(sorted(rows.values_list("kind", flat=True)))


def test_the_command_applies_and_reports(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(message, "delivered"), about(None, "delivered"))
    out = StringIO()

    call_command("apply_events", "--tenant", tenant.slug, "--json", "--dry-run", stdout=out)
    assert json.loads(out.getvalue()) == {"applied": 1, "ignored": 1}
    assert seen(message)[0] == "handed_over"

    call_command("apply_events", "--tenant", tenant.slug)
    assert seen(message)[0] == "delivered"

    out = StringIO()
    call_command("apply_events", "--tenant", tenant.slug, "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"applied": 0, "ignored": 0}


def test_only_tenants_with_something_to_apply_are_visited(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    ours, _ = two_tenants
    report(client, make_reporting(ours), about(None, "delivered"))

    assert applying.tenants_waiting(now=LATER) == [ours.pk]
    assert applying.tenants_waiting(now=NOW - timedelta(days=9999)) == []


def test_the_number_of_statements_does_not_grow_with_the_reports(
    tenant: Tenant, client: Client, connection: Connection, message: Message, django_assert_max_num_queries: Any
) -> None:
    for _ in range(50):
        report(client, connection, about(message, "delivered"), about(message, "complained"), about(message, "clicked"))

    with django_assert_max_num_queries(60):
        assert apply(tenant) == (150, 0)


def test_ghosts_never_left(tenant: Tenant, client: Client, connection: Connection) -> None:
    ghost = reached(tenant, connection, state=State.GHOST, arm="held_out")

    report(client, connection, about(ghost, "delivered"))

    assert apply(tenant) == (0, 1)
    assert seen(ghost)[0] == "ghost"
