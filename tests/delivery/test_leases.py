"""Leases: a sender that is slower than its claim, and a recovery that comes in between, hand nothing over twice."""

from typing import Any

import pytest
from django.conf import settings as django_settings

from campaigns.delivery import handing_over, recovering, sending
from campaigns.delivery.sending import send_due
from campaigns.planning import campaigning
from campaigns.planning.ending import end_enrolments
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.models import Connection
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
SENT = FakeEmailProvider.sent


def in_the_middle_of_a_group(monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Have the fake provider take the first message of the next group, and the rest after something has happened."""
    send = FakeEmailProvider.send

    def slow(self: FakeEmailProvider, mails: Any, witness: Any) -> None:
        monkeypatch.setattr(FakeEmailProvider, "send", send)
        send(self, mails[:1], witness)
        happens()
        send(self, mails[1:], witness)

    monkeypatch.setattr(FakeEmailProvider, "send", slow)


def test_a_sender_slower_than_its_lease_hands_nothing_over_twice(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(4)]
    seconds = [0.0]
    monkeypatch.setattr("campaigns.delivery.handing_over.monotonic", lambda: seconds[0])
    monkeypatch.setattr("campaigns.delivery.hearing.monotonic", lambda: seconds[0])

    def five_minutes_pass_and_another_worker_recovers_and_sends() -> None:
        seconds[0] += 301
        Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW - 90 * DAY)
        send_due(tenant, now=NOW)

    in_the_middle_of_a_group(monkeypatch, five_minutes_pass_and_another_worker_recovers_and_sends)
    send_due(tenant, now=NOW)

    assert sorted(mail.reference for mail in SENT) == sorted(f"wb-{message.pk}" for message in messages)
    assert set(Message.objects.values_list("state", flat=True)) == {"handed_over"}


def test_what_a_slow_sender_no_longer_starts_goes_back_and_leaves_next_time(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(3)]
    seconds = [0.0]
    monkeypatch.setattr("campaigns.delivery.handing_over.monotonic", lambda: seconds[0])
    monkeypatch.setattr("campaigns.delivery.hearing.monotonic", lambda: seconds[0])
    in_the_middle_of_a_group(monkeypatch, lambda: seconds.__setitem__(0, 301.0))

    counts = send_due(tenant, now=NOW, limit=3)

    assert (counts["handed_over"], counts["unknown"], len(SENT)) == (1, 0, 1)
    assert sorted(Message.objects.values_list("state", flat=True)) == ["handed_over", "planned", "planned"]
    assert send_due(tenant, now=NOW)["handed_over"] == 2
    assert len(SENT) == len(messages)


def test_the_journal_of_a_dead_sender_is_removed_once_its_recovery_is_recorded(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(django_settings, "WINBACK_HOME", tmp_path)
    campaign = make_sender(tenant)
    make_due(campaign), make_due(campaign)

    def dies() -> None:
        raise MemoryError

    in_the_middle_of_a_group(monkeypatch, dies)
    with pytest.raises(MemoryError):
        send_due(tenant, now=NOW)
    assert len(list((tmp_path / "intents").iterdir())) == 1
    Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW - 90 * DAY)

    with django_capture_on_commit_callbacks(execute=True):
        recovering.recover(tenant.pk, now=NOW)

    assert list((tmp_path / "intents").iterdir()) == []


def test_an_enrolment_that_ended_while_its_message_was_put_off_gets_nothing_more(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = make_due(make_sender(tenant, fail="defer"))
    in_the_middle_of_a_group(monkeypatch, lambda: end(tenant, message))
    send_due(tenant, now=NOW)
    message.refresh_from_db()
    assert message.state == "postponed"
    Connection.objects.update(settings={})

    counts = send_due(tenant, now=NOW + DAY, limit=4)

    message.refresh_from_db()
    assert (message.state, message.reason, counts["handed_over"]) == ("cancelled", "booking", 0)
    assert SENT == []


def end(tenant: Tenant, message: Message) -> None:
    end_enrolments(tenant.pk, contact_ids=[message.contact_id], ended_by="booking", now=NOW)


@pytest.mark.parametrize("arm", ["treated", "held_out"])
def test_a_message_planned_beside_the_end_of_its_enrolment_is_cancelled_in_either_arm(tenant: Tenant, arm: str) -> None:
    message = make_due(make_sender(tenant), arm=arm)
    end(tenant, message)
    Message.objects.update(state="planned", reason="")  # as a plan that had not committed when the enrolment ended

    send_due(tenant, now=NOW, limit=2)

    message.refresh_from_db()
    assert (message.state, message.reason) == ("cancelled", "booking")


@pytest.mark.parametrize("stopped", ["campaign", "module", "tenant"])
def test_what_is_stopped_while_it_sends_is_not_claimed_any_more(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(3)]
    monkeypatch.setattr(sending, "CLAIM_SIZE", 1)
    stop = {
        "campaign": lambda: campaigning.pause(campaign, reason="a quiet week", now=NOW, actor="test"),
        "module": lambda: ModuleActivation.objects.update(state=ModuleActivation.State.SUSPENDED),
        "tenant": lambda: Tenant.objects.filter(pk=tenant.pk).update(state=Tenant.State.SUSPENDED),
    }
    in_the_middle_of_a_group(monkeypatch, stop[stopped])

    counts = send_due(tenant, now=NOW, limit=20)

    assert (counts["handed_over"], counts["postponed"], len(SENT)) == (1, 0, 1)
    assert sorted(Message.objects.filter(pk__in=[m.pk for m in messages]).values_list("state", flat=True)) == [
        "handed_over",
        "planned",
        "planned",
    ]


def test_a_providers_trouble_uses_up_nobodys_attempts(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant, fail="trouble"))
    for minutes in range(6):
        send_due(tenant, now=NOW + minutes * handing_over.TROUBLE_WAIT)
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("postponed", 0)
    Connection.objects.update(settings={"fail": "defer"}, state=Connection.State.ACTIVE)

    send_due(tenant, now=NOW + DAY)

    message.refresh_from_db()
    assert (message.state, message.attempts) == ("postponed", 1)


def test_the_evidence_does_not_grow_while_a_message_waits_for_its_connection(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    Connection.objects.filter(kind="email").update(state=Connection.State.PAUSED)
    lengths = []
    for quarter in range(12):
        send_due(tenant, now=NOW + quarter * sending.NO_CONNECTION_WAIT)
        message.refresh_from_db()
        lengths.append(len(message.verdicts))
    assert lengths[-1] == lengths[0]
    Connection.objects.update(state=Connection.State.ACTIVE)

    send_due(tenant, now=NOW + DAY)

    message.refresh_from_db()
    assert message.state == "handed_over"
    assert {verdict["guard"] for verdict in message.verdicts} >= {"suppression", "quiet_hours", "email_footer"}


def test_credentials_that_cannot_be_opened_pause_the_connection_and_burn_nobody(tenant: Tenant) -> None:
    message = make_due(make_sender(tenant))
    Connection.objects.filter(kind="email").update(credentials=b"of another key")

    counts = send_due(tenant, now=NOW)

    message.refresh_from_db()
    connection = Connection.objects.get(kind="email")
    assert (counts["postponed"], message.state, message.reason) == (1, "postponed", "provider_trouble")
    assert connection.state == Connection.State.PAUSED
    assert connection.paused_reason


def test_a_provider_that_goes_silent_costs_one_message_a_run(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = make_sender(tenant, fail="unknown")
    for _ in range(4):
        make_due(campaign)
    monkeypatch.setattr(sending, "CLAIM_SIZE", 1)

    counts = send_due(tenant, now=NOW)

    assert (counts["unknown"], counts["postponed"]) == (1, 3)
    assert Message.objects.filter(state="postponed", reason="provider_trouble").count() == 3


def test_a_dry_run_leaves_no_file(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(django_settings, "WINBACK_HOME", tmp_path)
    make_due(make_sender(tenant))

    assert send_due(tenant, now=NOW, deliver=False)["handed_over"] == 1
    assert list(tmp_path.rglob("*")) == []
