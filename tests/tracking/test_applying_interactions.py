"""What is kept of what providers report: replies, clicks and who made them, and nothing that gives somebody away."""

import json
from datetime import timedelta
from typing import Any

from django.test import Client

from campaigns.planning.models import Enrolment, Message
from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem, Interaction
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.applied import EMAIL, LATER, apply, reached, seen
from tests.tracking.reporting import about, report

State = Message.State


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
