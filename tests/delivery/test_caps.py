"""The household's cap when two workers look at one household at the same time."""

from typing import Any

import pytest

from campaigns.compliance import caps
from campaigns.compliance.models import Touch
from campaigns.delivery.sending import send_due
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.delivery.making import make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW

# What the other worker commits between our look at the cap and our reservation: its own touch of the household.
TOUCHED_MEANWHILE = """;
INSERT INTO campaigns_touch (tenant_id, household_id, ordinal, message_id, channel, domain, touched_at)
SELECT m.tenant_id, m.household_id, 1, m.id, m.channel, '', %(now)s FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.state = 'handed_over'
ON CONFLICT DO NOTHING"""


@pytest.mark.parametrize("most", [1, 2])
def test_two_workers_at_one_household_keep_its_cap_together(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    campaign = make_sender(tenant, settings={"frequency_cap_touches": most})
    others = make_due(campaign)
    Message.objects.filter(pk=others.pk).update(state="handed_over", handed_over_at=NOW)
    mine = [make_due(campaign, household=others.contact.household) for _ in range(3)]
    statement: Any = caps.KEEP_CAPS
    monkeypatch.setattr(caps, "KEEP_CAPS", statement + TOUCHED_MEANWHILE)

    send_due(tenant, now=NOW)

    assert Touch.objects.filter(household=others.contact.household).count() == most
    assert len(FakeEmailProvider.sent) == most - 1
    waiting = Message.objects.filter(pk__in=[message.pk for message in mine], state="postponed")
    assert {message.reason for message in waiting} == {"frequency_cap"}
    assert waiting.count() == 3 - (most - 1)
