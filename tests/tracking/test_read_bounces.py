"""Bounces that come back as mail reach the message they are about."""

import json
import mailbox
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from campaigns.audience.models import Suppression
from campaigns.delivery.routing import reference_of
from campaigns.tracking import return_mailbox
from campaigns.tracking.models import InboxItem
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.providers.email.returning import VACATION, delivery_report, feedback_report
from tests.tracking.applied import reached
from winback.providers.email import mailbox as imap
from winback.providers.errors import ProviderTrouble


@pytest.fixture
def connection(tenant: Tenant) -> Connection:
    options = {"host": "smtp.example.com", "return_host": "imap.example.com", "return_username": "hello"}
    secrets = {"return_password": "secret"}
    return connect(tenant, kind="email", provider="smtp", now=NOW, actor="test", options=options, credentials=secrets)


def test_a_maildir_is_read_once_and_emptied(tenant: Tenant, connection: Connection, tmp_path: Path) -> None:
    bounced, complained = reached(tenant, connection, "one@example.com"), reached(tenant, connection, "two@example.com")
    box = mailbox.Maildir(tmp_path / "returned")
    for mail in (
        delivery_report(reference=reference_of(bounced.pk), address="one@example.com"),
        delivery_report(reference=reference_of(bounced.pk), address="one@example.com"),
        feedback_report(reference=reference_of(complained.pk)),
        VACATION,
    ):
        box.add(mail)
    out = StringIO()

    call_command("read_bounces", "--tenant", tenant.slug, "--maildir", str(tmp_path / "returned"), "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"read": 4, "kept": 2, "applied": 2, "ignored": 0}
    bounced.refresh_from_db()
    complained.refresh_from_db()
    assert [(bounced.state, bounced.reason), complained.state] == [("bounced", "bounced_hard"), "complained"]
    assert {row.reason for row in Suppression.objects.for_tenant(tenant)} == {"bounced", "complained"}
    assert len(box) == 0


def test_the_mailbox_of_a_connection_is_read_and_marked(
    tenant: Tenant, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = reached(tenant, connection)
    marked: list[str] = []

    class Box:
        def unread(self) -> Iterator[tuple[str, bytes]]:
            yield "1", delivery_report(reference=reference_of(message.pk))
            yield "2", VACATION

        def mark_read(self, number: str) -> None:
            marked.append(number)

    @contextmanager
    def opened(*, host: str, username: str, password: str) -> Iterator[Box]:
        assert (host, username, password) == ("imap.example.com", "hello", "secret")
        yield Box()

    monkeypatch.setattr(imap, "opened", opened)

    assert return_mailbox.read_mailboxes(tenant, now=NOW) == (2, 1)
    message.refresh_from_db()
    assert message.state == "bounced"
    assert marked == ["1", "2"]


def test_a_mailbox_that_does_not_answer_stops_nothing(
    tenant: Tenant, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: str) -> None:
        raise ProviderTrouble("The IMAP server does not answer.")

    monkeypatch.setattr(imap, "opened", away)

    assert return_mailbox.read_mailboxes(tenant, now=NOW) == (0, 0)
    assert not InboxItem.objects.for_tenant(tenant).exists()


def test_what_is_no_maildir_is_said_so(tenant: Tenant, connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no maildir"):
        call_command("read_bounces", "--tenant", tenant.slug, "--maildir", str(tmp_path))
