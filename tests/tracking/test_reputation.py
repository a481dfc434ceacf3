"""A campaign stops by itself before the mailboxes stop it, and goes on when a person says so."""

from datetime import date, timedelta

import pytest
from django.core.cache import cache

from campaigns.compliance.reputation_rules import limits_on
from campaigns.operating import attention
from campaigns.planning import campaigning
from campaigns.planning.models import Campaign, Message
from campaigns.tracking import reputation
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tenants.journal.models import Event
from tests import factories
from tests.factories import NOW

LATER = NOW + timedelta(days=1)


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    return factories.make_campaign(tenant)


def sent(campaign: Campaign, number: int, connection: Connection | None = None, **fields: object) -> None:
    """So many messages of it that have left."""
    first = Message.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).first()
    if first is None:
        person = factories.make_contact(campaign.tenant)
        enrolment = factories.make_enrolment(factories.make_episode(person), campaign)
        first = factories.make_message(enrolment, state="planned")
    start = Message.objects.for_tenant(campaign.tenant_id).count()
    made = {"state": "delivered", "handed_over_at": NOW, "settled_at": NOW, "connection": connection} | fields
    Message.objects.bulk_create(
        [
            Message(
                tenant_id=first.tenant_id, campaign=campaign, enrolment_id=first.enrolment_id,
                contact_id=first.contact_id, household_id=first.household_id, step_id=first.step_id,
                step_code=f"s{start + each}", channel="email", arm="treated", due_at=NOW, first_due_at=NOW,
                planned_at=NOW, **made,
            )
            for each in range(number)
        ]
    )  # fmt: skip


def measured(tenant: Tenant, campaign: Campaign) -> tuple[str, str]:
    reputation.pause_where_due(tenant, now=LATER)
    campaign.refresh_from_db()
    return campaign.state, campaign.state_reason


@pytest.mark.parametrize(
    ("good", "complaints", "hard", "paused"),
    [
        (199, 0, 0, False),
        (150, 20, 20, False),  # too few to say anything
        (499, 1, 0, False),  # 0.2 %: a warning
        (997, 3, 0, True),
        (191, 0, 9, False),
        (190, 0, 10, True),
        (199, 1, 0, True),
    ],
)
def test_pauses_at_three_in_a_thousand_complaints_or_one_dead_address_in_twenty(
    tenant: Tenant, campaign: Campaign, good: int, complaints: int, hard: int, paused: bool
) -> None:
    sent(campaign, good)
    sent(campaign, complaints, state="complained")
    sent(campaign, hard, state="bounced", reason="bounced_hard")

    state, why = measured(tenant, campaign)

    assert state == ("paused" if paused else "running")
    assert ("drew complaints" in why or "met a dead address" in why) is paused


def test_a_refusal_at_the_hand_over_is_a_dead_address_too(tenant: Tenant, campaign: Campaign) -> None:
    sent(campaign, 190)
    sent(campaign, 10, state="failed", reason="mailbox_unknown", handed_over_at=None)

    assert measured(tenant, campaign)[0] == "paused"


def test_what_is_not_the_addresses_fault_pauses_nothing(tenant: Tenant, campaign: Campaign) -> None:
    sent(campaign, 100)
    sent(campaign, 100, state="bounced", reason="bounced_blocked")

    assert measured(tenant, campaign)[0] == "running"


def test_old_news_does_not_count(tenant: Tenant, campaign: Campaign) -> None:
    sent(campaign, 200, state="complained", handed_over_at=NOW - timedelta(days=20))

    assert measured(tenant, campaign)[0] == "running"


def test_two_campaigns_through_one_connection_answer_for_it_together(
    tenant: Tenant, campaign: Campaign, connection: Connection
) -> None:
    other = factories.make_campaign(tenant)
    sent(campaign, 150, connection)
    sent(other, 149, connection)
    sent(other, 1, connection, state="complained")

    reputation.pause_where_due(tenant, now=LATER)

    states = set(Campaign.objects.for_tenant(tenant).values_list("state", flat=True))
    assert states == {"paused"}
    campaign.refresh_from_db()
    assert "through fake email" in campaign.state_reason


def test_home_warns_before_and_says_why_it_stands_still(tenant: Tenant, campaign: Campaign) -> None:
    cache.clear()
    sent(campaign, 999)
    sent(campaign, 1, state="complained")
    titles = [each.title for each in attention.looked_at(tenant, now=LATER)]
    assert "“Win back” draws complaints" in titles

    sent(campaign, 3, state="complained")
    measured(tenant, campaign)
    cache.clear()

    said = {each.title: each.why for each in attention.looked_at(tenant, now=LATER)}
    assert "drew complaints" in said["“Win back” is paused"]
    assert Event.objects.for_tenant(tenant).filter(kind="campaign.paused").exists()


def test_whoever_resumes_it_has_looked_and_is_measured_anew(tenant: Tenant, campaign: Campaign) -> None:
    sent(campaign, 199)
    sent(campaign, 1, state="complained")
    assert measured(tenant, campaign)[0] == "paused"

    campaigning.resume(campaign, now=LATER, actor="somebody")

    assert measured(tenant, campaign)[0] == "running"


def test_the_limits_are_dated() -> None:
    limits = limits_on(date(2026, 11, 1))

    assert (limits.complaints_warn, limits.complaints_pause, limits.hard_bounces_pause) == (0.001, 0.003, 0.05)
    assert limits.at_least == 200
    assert limits_on(date(1999, 1, 1)) == limits_on(date(2024, 2, 1))
