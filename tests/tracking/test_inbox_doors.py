"""Where people meet the reports of providers: the connection's page, the list, Home, the metrics, the schedule."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import Suppression
from campaigns.operating import attention, jobs, metrics
from campaigns.planning.models import Message
from campaigns.tracking import tidying_inbox
from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections.hooks import path_of, url_of
from tenants.connections.models import Connection
from tests.console import furnishing
from tests.delivery.making import make_due, make_sender
from tests.factories import NOW
from tests.tracking.reporting import about, make_reporting, report
from winback.providers.email.fake import FakeEmailProvider


def page(connection: Connection) -> str:
    return f"/console/tenants/connection/{connection.pk}/change/"


def test_the_owner_reads_the_address_on_the_connections_page_and_nobody_else(
    tenant: Tenant, client: Client, connection: Connection
) -> None:
    for role, shown in (("owner", True), ("manager", False), ("analyst", False)):
        client.force_login(furnishing.member(tenant, role))
        assert (url_of(connection) in client.get(page(connection)).content.decode()) is shown


def test_the_owner_gives_it_a_new_address(tenant: Tenant, client: Client, connection: Connection) -> None:
    client.force_login(furnishing.member(tenant, "owner"))
    old = path_of(connection)
    deed = f"/console/tenants/connection/{connection.pk}/replace-webhook/"

    client.post(deed)
    assert report(client, connection, about(None, "delivered"), path=old).status_code == 200  # only asked so far
    client.post(deed, {"confirmed": "1"})

    assert report(client, connection, about(None, "delivered"), path=old).status_code == 404
    connection.refresh_from_db()
    assert url_of(connection) in client.get(page(connection)).content.decode()


def test_connecting_prints_the_address(tenant: Tenant, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("connect_provider", "email", "fake", "--tenant", tenant.slug)

    assert url_of(Connection.objects.for_tenant(tenant).get()) in capsys.readouterr().out


def test_what_cannot_be_read_is_shown_and_read_again(tenant: Tenant, client: Client, connection: Connection) -> None:
    report(client, connection, body="{")
    call_command("apply_events", "--tenant", tenant.slug)
    (item,) = InboxItem.objects.for_tenant(tenant)
    found = [each.title for each in attention.looked_at(tenant, now=timezone.now())]
    client.force_login(furnishing.member(tenant, "owner"))

    assert "1 provider report could not be read" in found
    assert "could not be read" in client.get(f"/console/campaigns/inboxitem/{item.pk}/change/").content.decode()
    client.post(f"/console/campaigns/inboxitem/{item.pk}/read-again/")

    item.refresh_from_db()
    assert item.state == "waiting"


def test_home_says_when_reports_are_refused_and_none_gets_through(
    tenant: Tenant, client: Client, connection: Connection
) -> None:
    def said() -> bool:
        found = attention.looked_at(tenant, now=timezone.now())
        return any("are refused" in each.title for each in found)

    for _ in range(3):
        report(client, connection, about(None, "delivered"), secret="another")
    assert said()

    report(client, connection, about(None, "delivered"))
    assert not said()


def test_the_metrics_tell_the_backlog(two_tenants: tuple[Tenant, Tenant], client: Client) -> None:
    tenant, _ = two_tenants
    connection = make_reporting(tenant)
    report(client, connection, about(None, "delivered"))
    (item,) = InboxItem.objects.for_tenant(tenant)

    text = metrics.text(now=item.received_at + timedelta(seconds=90))

    assert "winback_inbox_waiting 1\n" in text
    assert "winback_inbox_oldest_seconds 90\n" in text
    assert "winback_inbox_unreadable 0\n" in text


@pytest.mark.usefixtures("catalog")
@pytest.mark.parametrize("door", ["command", "job"])
def test_whoever_complained_just_now_is_not_written_to(tenant: Tenant, client: Client, door: str) -> None:
    campaign = make_sender(tenant)
    due, other = make_due(campaign, email="robin@example.com"), make_due(campaign, email="alex@example.com")
    report(client, make_reporting(tenant), about(None, "complained", address="robin@example.com"))
    Message.objects.filter(pk__in=[due.pk, other.pk]).update(due_at=NOW)

    if door == "command":
        call_command("send_due", "--tenant", tenant.slug)
    else:
        jobs.send_tenant(tenant=tenant.pk)

    assert Suppression.objects.for_tenant(tenant).get().reason == "complained"
    assert "robin@example.com" not in {sent.recipient_address for sent in FakeEmailProvider.sent}
    due.refresh_from_db()
    assert due.state == "cancelled"


def test_what_was_applied_is_emptied_after_a_week_and_still_bars_a_repeat(
    tenant: Tenant, client: Client, connection: Connection
) -> None:
    said = about(None, "delivered")
    report(client, connection, said)
    call_command("apply_events", "--tenant", tenant.slug)
    (item,) = InboxItem.objects.for_tenant(tenant)

    assert tidying_inbox.tidy(tenant, now=item.received_at + timedelta(days=6)) == 0
    assert tidying_inbox.tidy(tenant, now=item.received_at + timedelta(days=8)) == 1

    item.refresh_from_db()
    assert (bytes(item.body), item.headers) == (b"", {})
    report(client, connection, said)
    assert InboxItem.objects.for_tenant(tenant).count() == 1
    tidying_inbox.tidy(tenant, now=item.received_at + timedelta(days=91))
    assert not InboxItem.objects.for_tenant(tenant).exists()


def test_the_schedule_wakes_those_for_whom_something_waits(
    two_tenants: tuple[Tenant, Tenant], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, _ = two_tenants
    connection = make_reporting(tenant)
    report(client, connection, about(None, "delivered"))
    woken: list[Any] = []
    monkeypatch.setattr(jobs, "enqueue", lambda job, **ids: woken.append((job.__name__, ids["tenant"])))

    jobs.run_regular(code="apply")

    assert woken == [("apply_events", tenant.pk)]
