"""One function decides what a tenant's plan allows, exactly at the boundary, also when two ask at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections

from catalog.models import Plan
from tenants.accounts.models import Tenant
from tenants.journal.models import Event
from tenants.plans import entitlements
from tenants.plans.entitlements import NotEntitled, UnknownFeature, decide, require
from tests import factories
from winback.tenancy import acting_for, acting_for_all


@pytest.fixture
def starter(tenant: Tenant) -> Tenant:
    factories.catalog_row(Plan, "plans", "starter")
    tenant.plan_id = "starter"
    tenant.save()
    return Tenant.objects.get(pk=tenant.pk)


@pytest.mark.parametrize(("used", "allowed"), [(4_998, True), (4_999, True), (5_000, False)])
def test_a_stock_is_allowed_up_to_its_limit_and_not_one_more(
    starter: Tenant, now: datetime, used: int, allowed: bool
) -> None:
    decision = decide(starter, "contacts", now=now, used=used)

    assert (decision.allowed, decision.limit, decision.used) == (allowed, 5_000, used)
    assert decision.reason == ("" if allowed else "over_limit")


def test_a_month_has_three_campaigns_and_the_next_month_has_three_again(starter: Tenant) -> None:
    # Still October in Chicago, though November in UTC.
    october = datetime(2026, 11, 1, 4, 59, tzinfo=UTC)
    november = datetime(2026, 11, 1, 5, 1, tzinfo=UTC)

    taken = [decide(starter, "campaigns_per_month", now=october, reserve=True).allowed for _ in range(4)]

    assert taken == [True, True, True, False]
    assert not decide(starter, "campaigns_per_month", now=october).allowed
    assert decide(starter, "campaigns_per_month", now=november, reserve=True).allowed


def test_more_than_the_limit_at_once_is_refused_and_takes_nothing(starter: Tenant, now: datetime) -> None:
    assert not decide(starter, "campaigns_per_month", 4, now=now, reserve=True).allowed
    assert decide(starter, "campaigns_per_month", 3, now=now, reserve=True).allowed


def test_looking_takes_nothing(starter: Tenant, now: datetime) -> None:
    for _ in range(5):
        assert decide(starter, "campaigns_per_month", now=now).allowed


def test_a_feature_is_in_the_plan_or_not(starter: Tenant, now: datetime) -> None:
    assert decide(starter, "channel.email", now=now).allowed
    assert decide(starter, "channel.sms", now=now).reason == "not_in_plan"


def test_no_limit_means_no_limit(tenant: Tenant, now: datetime) -> None:
    assert decide(tenant, "campaigns_per_month", 1_000_000, now=now, reserve=True).allowed


def test_a_denial_is_in_the_journal_with_its_reason(starter: Tenant, now: datetime) -> None:
    decide(starter, "channel.sms", now=now)
    decide(starter, "channel.push", now=now, note=False)

    event = Event.objects.for_tenant(starter).get(kind="entitlement.denied")
    assert event.data["feature"] == "channel.sms"
    assert event.data["reason"] == "not_in_plan"


def test_a_suspended_tenant_has_nothing(starter: Tenant, now: datetime) -> None:
    starter.state = Tenant.State.SUSPENDED

    assert decide(starter, "channel.email", now=now).reason == "tenant_suspended"


def test_a_misspelt_feature_is_an_error_and_no_answer(starter: Tenant, now: datetime) -> None:
    with pytest.raises(UnknownFeature):
        decide(starter, "chanel.email", now=now)


def test_requiring_takes_or_raises(starter: Tenant, now: datetime) -> None:
    require(starter, "campaigns_per_month", 3, now=now)

    with pytest.raises(NotEntitled, match="over_limit"):
        require(starter, "campaigns_per_month", now=now)


def test_another_tenants_use_is_its_own(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    one, other = two_tenants
    factories.catalog_row(Plan, "plans", "starter")
    Tenant.objects.update(plan_id="starter")
    one.refresh_from_db()
    other.refresh_from_db()

    decide(one, "campaigns_per_month", 3, now=now, reserve=True)

    assert decide(other, "campaigns_per_month", 3, now=now, reserve=True).allowed


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_the_limit_take_one_each_and_no_more(now: datetime) -> None:
    with acting_for_all("test"):
        tenant = factories.make_tenant(plan="starter")

    def take(_: int) -> bool:
        try:
            with acting_for(tenant.pk):
                return decide(tenant, "campaigns_per_month", now=now, reserve=True).allowed
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as workers:
        taken = list(workers.map(take, range(16)))

    assert sum(taken) == 3
    with acting_for(tenant.pk):
        assert entitlements.used_in(tenant, "campaigns_per_month", entitlements.month_of(tenant, now)) == 3
