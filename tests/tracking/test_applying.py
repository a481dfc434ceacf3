"""What providers report is applied: states, opt-outs, suppressions, in any order and once."""

import itertools
import json
from collections.abc import Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.planning.models import Enrolment, Message
from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem, Interaction
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.making import make_reached
from tests.tracking.reporting import about, make_reporting, report
from winback.tenancy import acting_for

State = Message.State
EMAIL = "robin@example.com"
LATER = NOW + timedelta(days=3650)  # the webhook's own clock is the real one


@pytest.fixture
def connection(tenant: Tenant) -> Connection:
    return make_reporting(tenant)


@pytest.fixture
def message(tenant: Tenant, connection: Connection) -> Message:
    return reached(tenant, connection)


def reached(tenant: Tenant, connection: Connection, email: str = EMAIL, **fields: Any) -> Message:
    made = make_reached(tenant, email=email)
    Contact.objects.filter(pk=made.contact_id).update(email_hmac=address_hmac(email))
    Message.objects.filter(pk=made.pk).update(
        **({"connection": connection, "address_hmac": address_hmac(email)} | fields)
    )
    made.refresh_from_db()
    return made


def apply(tenant: Tenant) -> tuple[int, int]:
    done = applying.apply(tenant, now=LATER)
    return done.applied, done.ignored


def seen(message: Message) -> tuple[str, str]:
    message.refresh_from_db()
    return message.state, message.reason


def suppressed(tenant: Tenant) -> set[tuple[str, str, bool]]:
    """Channel, reason, and whether it is of one brand alone."""
    rows = Suppression.objects.for_tenant(tenant).filter(lifted_at=None)
    return {(row.channel, row.reason, row.brand_id is not None) for row in rows}


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


def test_a_complaint_suppresses_the_address_for_the_whole_tenant_and_ends_the_enrolment(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(message, "complained"))
    apply(tenant)

    enrolment = Enrolment.objects.for_tenant(tenant).get(pk=message.enrolment_id)
    assert suppressed(tenant) == {("email", "complained", False)}
    assert (enrolment.state, enrolment.ended_by) == ("ended", "opt_out")
    planned = Message.objects.for_tenant(tenant).exclude(pk=message.pk).get()
    assert planned.state == State.CANCELLED


def test_an_unsubscribe_at_the_provider_stops_the_mail_of_that_brand(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(message, "unsubscribed"))
    apply(tenant)

    assert suppressed(tenant) == {("email", "unsubscribed", True)}
    assert Enrolment.objects.for_tenant(tenant).get().ended_by == "opt_out"


@pytest.mark.parametrize("bounce", ["soft", "blocked", "content", "unknown"])
def test_only_a_hard_bounce_suppresses(
    tenant: Tenant, client: Client, connection: Connection, message: Message, bounce: str
) -> None:
    report(client, connection, about(message, "bounced", bounce=bounce))
    apply(tenant)
    assert suppressed(tenant) == set()

    report(client, connection, about(message, "bounced", bounce="hard"))
    apply(tenant)
    assert suppressed(tenant) == {("email", "bounced", False)}
    assert Enrolment.objects.for_tenant(tenant).get().state == "active"


def test_the_address_that_bounced_is_suppressed_not_the_one_of_today(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    Contact.objects.filter(pk=message.contact_id).update(email_hmac=address_hmac("new@example.com"))

    report(client, connection, about(message, "bounced", bounce="hard"))
    apply(tenant)

    assert [row.address_hmac for row in Suppression.objects.for_tenant(tenant)] == [address_hmac(EMAIL)]


def test_whoever_says_no_says_it_for_every_address_that_is_known(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    Contact.objects.filter(pk=message.contact_id).update(email_hmac=address_hmac("new@example.com"))

    report(client, connection, about(message, "complained"))
    apply(tenant)

    rows = Suppression.objects.for_tenant(tenant)
    assert {row.address_hmac for row in rows} == {address_hmac(EMAIL), address_hmac("new@example.com")}


def test_a_complaint_about_other_mail_of_the_account_is_heeded(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(None, "complained", address="  Robin@Example.com "))

    assert apply(tenant) == (1, 0)
    assert suppressed(tenant) == {("email", "complained", False)}
    assert Enrolment.objects.for_tenant(tenant).get().ended_by == "opt_out"
    assert seen(message)[0] == "handed_over"


def test_a_suppression_that_staff_lifted_is_not_put_back_by_a_replay(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    said = about(message, "bounced", bounce="hard")
    report(client, connection, said)
    apply(tenant)
    Suppression.objects.for_tenant(tenant).update(lifted_at=NOW, lifted_note="a wrong bounce", lifted_by="staff")

    report(client, connection, said, about(message, "opened"))  # another body with the same event in it
    apply(tenant)

    assert suppressed(tenant) == set()


def test_a_mailbox_that_stays_full_for_a_week_is_given_up(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    def again(days: int) -> Message:
        later = Message.objects.for_tenant(tenant).get(pk=message.pk)
        later.pk, later.step_code = None, f"again-{days}"
        later.handed_over_at = NOW + timedelta(days=days)
        later.state = State.HANDED_OVER
        later.save()
        return later

    for days in (3, 6):
        report(client, connection, about(again(days), "bounced", bounce="soft"))
    report(client, connection, about(message, "bounced", bounce="soft"))
    apply(tenant)
    assert suppressed(tenant) == set()  # three, within six days

    report(client, connection, about(again(8), "bounced", bounce="soft"))
    apply(tenant)
    assert suppressed(tenant) == {("email", "bounced_repeatedly", False)}


def test_a_delivery_in_between_shows_that_the_mailbox_is_read(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    kinds = ["bounced", "bounced", "delivered", "bounced"]
    for number, kind in enumerate(kinds):
        later = Message.objects.for_tenant(tenant).get(pk=message.pk)
        later.pk, later.step_code = None, f"again-{number}"
        later.handed_over_at, later.state = NOW + timedelta(days=10 * number), State.HANDED_OVER
        later.save()
        report(client, connection, about(later, kind, bounce="soft"))
    apply(tenant)

    assert suppressed(tenant) == set()


def test_a_reply_by_mail_is_kept_and_ends_the_enrolment(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(message, "replied", text="Call me\x00 on Friday", address=EMAIL))
    apply(tenant)

    kept = Interaction.objects.for_tenant(tenant).get()
    assert (kept.kind, kept.data, kept.contact_id) == ("replied", {"text": "Call me on Friday"}, message.contact_id)
    assert Enrolment.objects.for_tenant(tenant).get().ended_by == "reply"


def test_what_cannot_be_read_is_set_aside_and_stops_no_other(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    for body in ("", "{", "[1]", '[{"kind": "x"}]', "[" * 100_000):
        report(client, connection, body=body)
    report(client, connection, about(message, "delivered"))

    assert apply(tenant) == (1, 0)
    aside = InboxItem.objects.for_tenant(tenant).filter(state="unreadable")
    assert {item.reason for item in aside} == {"not_understood"}
    assert aside.count() == 5
    assert seen(message)[0] == "delivered"


def test_what_was_set_aside_is_read_again_when_asked(tenant: Tenant, client: Client, connection: Connection) -> None:
    report(client, connection, body="{")
    apply(tenant)
    (item,) = InboxItem.objects.for_tenant(tenant)

    assert applying.retry(item, now=LATER)
    item.refresh_from_db()
    assert item.state == "waiting"
    assert not applying.retry(item, now=LATER)


def test_strange_values_stop_nothing(tenant: Tenant, client: Client, connection: Connection, message: Message) -> None:
    report(
        client,
        connection,
        about(message, "bounced", key="\x00" * 300, code="\ud800" * 99, detail="x" * 9999, occurred_at="0001-01-01"),
        about(message, "clicked", key="k" * 5000, url="javascript:\x00", user_agent="\x00", occurred_at="9999-12-31"),
        about(message, "delivered", provider_id="p" * 5000, address="\x00@\x00"),
    )

    assert apply(tenant) == (3, 0)
    assert {kept.occurred_at.year for kept in Interaction.objects.for_tenant(tenant)} == {_year(tenant)}


def _year(tenant: Tenant) -> int:
    (item,) = InboxItem.objects.for_tenant(tenant)
    return item.received_at.year


def test_clicks_of_scanners_are_told_from_those_of_people(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    at = NOW + timedelta(minutes=1)
    patient = reached(tenant, connection, "two@example.com")
    hasty = [
        about(message, "clicked", url="https://example.com/a", occurred_at=at + timedelta(seconds=2)),
        about(message, "clicked", url="https://example.com/b", occurred_at=at + timedelta(seconds=3)),
        about(message, "delivered", occurred_at=at),  # comes last, and settles it
    ]
    slow = [
        about(patient, "delivered", occurred_at=at),
        about(patient, "clicked", url="https://example.com/a", occurred_at=at + timedelta(hours=2)),
        about(patient, "clicked", url="https://example.com/a", user_agent="Slackbot 1.0", occurred_at=at),
    ]
    for said in (*hasty, *slow):
        report(client, connection, said)
        apply(tenant)

    def judged(of: Message) -> list[str]:
        rows = Interaction.objects.for_tenant(tenant).filter(message=of, kind="clicked").order_by("pk")
        return [row.data["confidence"] for row in rows]

    assert judged(message) == ["machine", "machine"]
    assert judged(patient) == ["person", "machine"]


def test_keeps_no_address_and_no_link_that_opens_something(
    tenant: Tenant, client: Client, connection: Connection, message: Message, settings: Any
) -> None:
    settings.WINBACK_PUBLIC_URL = "https://winback.example.com"
    report(
        client,
        connection,
        about(message, "bounced", detail=f"550 <{EMAIL}> unknown, call +1 312 555 0182", address=EMAIL),
        about(message, "clicked", url="https://winback.example.com/u/secret-token"),
    )
    apply(tenant)

    kept = json.dumps([row.data for row in Interaction.objects.for_tenant(tenant).order_by("pk")])
    assert EMAIL not in kept
    assert "0182" not in kept
    assert "secret-token" not in kept


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


def test_many_contacts_share_the_address_that_complained(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    other = reached(tenant, connection)

    report(client, connection, about(message, "complained", address=EMAIL))
    apply(tenant)

    assert {row.ended_by for row in Enrolment.objects.for_tenant(tenant)} == {"opt_out"}
    assert seen(other)[0] == "handed_over"
