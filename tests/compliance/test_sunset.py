"""Nobody is written to for ever without an answer."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.audience.models import ContactStat
from campaigns.planning.models import Message
from campaigns.tracking.models import Interaction
from tenants.accounts.models import Tenant
from tests.delivery.making import DAY, make_due, make_sender
from tests.factories import NOW

pytestmark = pytest.mark.usefixtures("catalog")
LONG_AGO = NOW - 100 * DAY


def state_after(
    tenant: Tenant, *, before: int, settings: dict[str, Any] | None = None, **fields: Any
) -> tuple[str, str]:
    """State and reason of the message that is due, after so many that nothing answered."""
    due = make_due(make_sender(tenant, settings=settings))
    for number in range(before):
        old = Message.objects.for_tenant(tenant).get(pk=due.pk)
        old.pk, old.step_code, old.state = None, f"old-{number}", "delivered"
        old.handed_over_at = old.settled_at = LONG_AGO + timedelta(hours=number)
        for name, value in fields.items():
            setattr(old, name, value)
        old.save()
    return _sent(tenant, due)


def _sent(tenant: Tenant, due: Message) -> tuple[str, str]:
    call_command("send_due", "--tenant", tenant.slug, "--as-of", NOW.isoformat(), stdout=StringIO())
    due.refresh_from_db()
    return due.state, due.reason


def test_four_unanswered_messages_are_the_last(tenant: Tenant) -> None:
    assert state_after(tenant, before=4) == ("blocked", "sunset")


def test_three_are_not(tenant: Tenant) -> None:
    assert state_after(tenant, before=3)[0] == "handed_over"


def test_the_business_says_how_many(tenant: Tenant) -> None:
    assert state_after(tenant, before=6, settings={"sunset_after_messages": None})[0] == "handed_over"


@pytest.mark.parametrize("fields", [{"handed_over_at": NOW - 80 * DAY}, {"channel": "sms"}, {"state": "blocked"}])
def test_what_may_still_be_read_went_elsewhere_or_never_left_does_not_count(
    tenant: Tenant, fields: dict[str, Any]
) -> None:
    assert state_after(tenant, before=4, **fields)[0] == "handed_over"


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("clicked", {"confidence": "person"}, "handed_over"),
        ("clicked", {"confidence": "machine"}, "blocked"),
        ("opened", {"confidence": "person"}, "blocked"),
        ("replied", {}, "handed_over"),
        ("booked", {}, "handed_over"),
    ],
)
def test_whoever_answers_begins_anew_and_an_open_is_no_answer(
    tenant: Tenant, kind: str, data: dict[str, str], state: str
) -> None:
    first = state_after(tenant, before=4)
    assert first == ("blocked", "sunset")
    due = Message.objects.for_tenant(tenant).get(state="blocked")
    Message.objects.filter(pk=due.pk).update(state="planned", reason="")
    Interaction.objects.create(
        tenant=tenant, kind=kind, contact_id=due.contact_id, dedupe_key="one", data=data, occurred_at=NOW - 95 * DAY
    )

    assert _sent(tenant, due)[0] == state


def test_a_visit_since_then_begins_anew(tenant: Tenant) -> None:
    assert state_after(tenant, before=4) == ("blocked", "sunset")
    due = Message.objects.for_tenant(tenant).get(state="blocked")
    Message.objects.filter(pk=due.pk).update(state="planned", reason="")
    ContactStat.objects.filter(contact_id=due.contact_id).update(last_job_at=NOW - 95 * DAY)

    assert _sent(tenant, due)[0] != "blocked"
