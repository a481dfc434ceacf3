"""What a provider answers: trouble of its own, trouble with one recipient, and silence."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from campaigns.audience.models import Contact, Suppression
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections import probing
from tenants.connections.models import Connection
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender, reload
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW  # noon in Chicago
SENT = FakeEmailProvider.sent


def mend(tenant: Tenant, now: datetime) -> None:
    """The provider works again, and the schedule tries the connections that were paused."""
    Connection.objects.update(settings={})
    probing.refresh(tenant, now=now, by_hand=True)


def test_a_providers_trouble_burns_no_recipient(tenant: Tenant) -> None:
    messages = [make_due(make_sender(tenant, fail="trouble"))]
    messages.append(make_due(messages[0].campaign))

    counts = send_due(tenant, now=NOW)

    assert (counts["postponed"], counts["failed"]) == (2, 0)
    assert {(reload(message).state, message.reason) for message in messages} == {("postponed", "provider_trouble")}
    paused = Connection.objects.get(kind="email")
    assert (paused.state, paused.paused_reason) == (Connection.State.PAUSED, "the fake provider is down")
    mend(tenant, NOW)
    assert send_due(tenant, now=NOW + timedelta(minutes=15))["handed_over"] == 2


def test_a_wrong_password_pauses_the_connection_with_its_reason(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, fail="misconfigured"))

    send_due(tenant, now=NOW)

    connection = Connection.objects.get(kind="email")
    assert connection.state == Connection.State.PAUSED
    assert "password" in connection.paused_reason
    assert reload(message).state == "postponed"


def test_a_refused_recipient_fails_alone(tenant: Tenant) -> None:
    campaign = make_sender(tenant)
    refused, taken = make_due(campaign, email="gone@example.com", email_hmac="a" * 64), make_due(campaign)
    Connection.objects.update(settings={"fail_for": {"gone@example.com": "refuse"}})

    counts = send_due(tenant, now=NOW)

    assert (counts["handed_over"], counts["failed"]) == (1, 1)
    assert (reload(refused).state, refused.reason) == ("failed", "recipient_refused")
    assert reload(taken).state == "handed_over"


def test_a_recipient_that_is_put_off_is_tried_again_and_given_up_some_day(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, fail="defer"))

    send_due(tenant, now=NOW)
    assert (reload(message).state, message.reason, message.due_at) == ("postponed", "mailbox_full", NOW + 4 * DAY / 24)

    for attempt in range(1, 6):
        send_due(tenant, now=NOW + attempt * DAY)
    assert (reload(message).state, message.reason, message.attempts) == ("failed", "mailbox_full", 5)


def test_a_cut_connection_leaves_one_message_unknown_and_never_sends_it_again(tenant: Tenant) -> None:
    campaign = make_sender(tenant, fail="unknown")
    first, second = make_due(campaign), make_due(campaign)

    counts = send_due(tenant, now=NOW)
    assert (counts["unknown"], counts["postponed"]) == (1, 1)

    mend(tenant, NOW)
    # The fake can tell that the first never arrived; most providers cannot.
    Message.objects.filter(pk=first.pk).update(connection=None)
    send_due(tenant, now=NOW + DAY)
    assert (reload(first).state, reload(second).state) == ("unknown", "handed_over")


def test_an_unknown_message_is_settled_by_a_provider_that_can_tell(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, fail="unknown"))
    send_due(tenant, now=NOW)
    assert reload(message).state == "unknown"
    mend(tenant, NOW)

    send_due(tenant, now=NOW + timedelta(hours=1))

    assert reload(message).state == "handed_over"
    assert len(SENT) == 1


def test_an_address_that_the_provider_calls_dead_is_suppressed(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, fail="dead"), email_hmac="a" * 64)

    send_due(tenant, now=NOW)

    assert (reload(message).state, message.reason) == ("failed", "mailbox_unknown")
    kept = Suppression.objects.get(contact_id=message.contact_id)
    assert (kept.channel, kept.reason, kept.address_hmac) == ("email", "mailbox_unknown", "a" * 64)


@pytest.mark.parametrize(("reason", "theirs"), [("dead", {"a" * 64}), ("opted_out", {"a" * 64, "b" * 64})])
def test_what_is_suppressed_is_the_address_that_was_written_to(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, reason: str, theirs: set[str]
) -> None:
    """Another address is not dead with it; but whoever said no said it for all that they have."""
    message = make_due(make_sender(tenant, fail=reason), email_hmac="a" * 64)
    send = FakeEmailProvider.send

    def move_meanwhile(provider: FakeEmailProvider, *given: Any) -> None:
        Contact.objects.filter(pk=message.contact_id).update(email_hmac="b" * 64)
        send(provider, *given)

    monkeypatch.setattr(FakeEmailProvider, "send", move_meanwhile)

    send_due(tenant, now=NOW)

    assert reload(message).state == "failed"
    assert {kept.address_hmac for kept in Suppression.objects.for_tenant(tenant)} == theirs


def test_many_dead_addresses_take_no_more_statements_than_one(tenant: Tenant) -> None:
    campaign = make_sender(tenant, fail="dead")

    def statements(number: int) -> int:
        for each in range(number):
            make_due(campaign, email_hmac=f"{number}{each}".ljust(64, "0"))
        with CaptureQueriesContext(database) as captured:
            assert send_due(tenant, now=NOW)["failed"] == number
        return len(captured)

    statements(1)  # what is asked once and remembered
    assert statements(2) == statements(9)
    assert Suppression.objects.for_tenant(tenant).count() == 12
