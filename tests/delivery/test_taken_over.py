"""A host that is cut off: another, without its journal, calls the group unknown; what it knew settles that later."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings

from campaigns.delivery import recovering
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import DAY, make_due, make_sender
from tests.delivery.test_leases import in_the_middle_of_a_group
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW
SENT = FakeEmailProvider.sent
Seconds = list[float]


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    """The monotonic clock of the host that is cut off."""
    clock = [0.0]
    for module in ("handing_over", "hearing"):
        monkeypatch.setattr(f"campaigns.delivery.{module}.monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def on_another_host(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Callable[[], object]], None]:
    """Do something where the journals of this host are not, after every lease has run out."""
    monkeypatch.setattr(django_settings, "WINBACK_HOME", tmp_path / "here")
    monkeypatch.setattr(FakeEmailProvider, "look_up", lambda *_: None)  # as an SMTP server: it cannot tell

    def do(work: Callable[[], object]) -> None:
        Message.objects.filter(lease_until__isnull=False).update(lease_until=NOW - 90 * DAY)
        with monkeypatch.context() as there:
            there.setattr(django_settings, "WINBACK_HOME", tmp_path / "there")
            work()

    return do


def states() -> list[str]:
    return list(Message.objects.order_by("pk").values_list("state", flat=True))


def references(messages: list[Message]) -> list[str]:
    return [f"wb-{message.pk}" for message in messages]


def test_without_the_journal_the_whole_group_is_unknown_and_nothing_of_it_is_sent_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, on_another_host: Any
) -> None:
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(4)]

    def dies() -> None:
        raise MemoryError

    in_the_middle_of_a_group(monkeypatch, dies)
    with pytest.raises(MemoryError):
        send_due(tenant, now=NOW)
    on_another_host(lambda: send_due(tenant, now=NOW))

    assert states() == ["unknown"] * 4
    assert [mail.reference for mail in SENT] == references(messages)[:1]


def test_the_journal_of_a_dead_host_that_comes_back_settles_what_was_called_unknown(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, on_another_host: Any, django_capture_on_commit_callbacks: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    test_without_the_journal_the_whole_group_is_unknown_and_nothing_of_it_is_sent_again(
        tenant, monkeypatch, on_another_host
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert recovering.recover(tenant.pk, now=NOW) == {"handed_over": 1, "planned": 3}
    assert list((tmp_path / "here/intents").iterdir()) == []

    send_due(tenant, now=NOW)

    assert states() == ["handed_over"] * 4
    assert len({mail.reference for mail in SENT}) == len(SENT) == 4


def test_a_host_that_was_only_cut_off_starts_nothing_more_and_records_what_had_left(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, on_another_host: Any, seconds: Seconds
) -> None:
    campaign = make_sender(tenant)
    messages = [make_due(campaign) for _ in range(4)]

    def cut_off_for_five_minutes() -> None:
        seconds[0] += 301
        on_another_host(lambda: send_due(tenant, now=NOW))
        assert states() == ["unknown"] * 4

    in_the_middle_of_a_group(monkeypatch, cut_off_for_five_minutes)
    send_due(tenant, now=NOW, limit=4)

    assert [mail.reference for mail in SENT] == references(messages)[:1]
    assert states() == ["handed_over", "unknown", "unknown", "unknown"]

    send_due(tenant, now=NOW)  # its journal says that these had not begun

    assert states() == ["handed_over"] * 4
    assert len({mail.reference for mail in SENT}) == len(SENT) == 4


def test_a_journal_that_a_living_process_holds_frees_nothing(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, on_another_host: Any
) -> None:
    """A process that was stopped and goes on: what it has not begun may still begin."""
    campaign = make_sender(tenant)
    for _ in range(3):
        make_due(campaign)

    def others_recover_then_this_host_does() -> None:
        on_another_host(lambda: recovering.recover(tenant.pk, now=NOW))
        assert recovering.recover(tenant.pk, now=NOW) == {}

    in_the_middle_of_a_group(monkeypatch, others_recover_then_this_host_does)
    send_due(tenant, now=NOW, limit=3)

    assert states() == ["handed_over"] * 3
    assert len(SENT) == 3


def test_a_journal_that_nobody_asks_for_any_more_is_removed_after_a_month(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(django_settings, "WINBACK_HOME", tmp_path)
    (tmp_path / "intents").mkdir()
    old, young = (tmp_path / "intents" / f"{uuid4()}.txt" for _ in range(2))
    for journal, days in ((old, 31), (young, 29)):
        journal.write_text("s 1\n")
        os.utime(journal, (time.time() - days * 86_400,) * 2)

    recovering.recover(tenant.pk, now=NOW)

    assert list((tmp_path / "intents").iterdir()) == [young]
