"""A complaint, an unsubscribe or a bounce that a provider reports stops what may no longer be sent."""

from datetime import timedelta

import pytest
from django.test import Client

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.planning.models import Enrolment, Message
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.applied import EMAIL, apply, reached, seen, suppressed
from tests.tracking.reporting import about, report

State = Message.State


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


def test_a_bounce_of_where_the_mail_was_forwarded_to_stops_the_address_that_was_written_to(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    report(client, connection, about(message, "bounced", bounce="hard", address="old-box@example.net"))
    apply(tenant)

    rows = Suppression.objects.for_tenant(tenant)
    assert {row.address_hmac for row in rows} == {address_hmac(EMAIL), address_hmac("old-box@example.net")}


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


def test_many_contacts_share_the_address_that_complained(
    tenant: Tenant, client: Client, connection: Connection, message: Message
) -> None:
    other = reached(tenant, connection)

    report(client, connection, about(message, "complained", address=EMAIL))
    apply(tenant)

    assert {row.ended_by for row in Enrolment.objects.for_tenant(tenant)} == {"opt_out"}
    assert seen(other)[0] == "handed_over"
