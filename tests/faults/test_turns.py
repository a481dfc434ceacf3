"""Turns, schedulers and launches: a large tenant holds up no small one, and what two do at once is done once."""

from collections.abc import Iterator

import django_rq
import pytest
from django.utils import timezone
from rq import Queue, SimpleWorker

from campaigns.operating import jobs
from campaigns.operating.planning import plan
from campaigns.planning import campaigning
from campaigns.planning.models import Campaign, Enrolment, Message
from tenants.accounts.models import Tenant
from tests import factories
from tests.at_once import at_once
from tests.delivery.making import make_due, make_sender
from winback.providers.email.fake import FakeEmailProvider
from winback.tenancy import acting_for, acting_for_all

pytestmark = [pytest.mark.usefixtures("catalog"), pytest.mark.django_db(transaction=True)]
NOW = factories.NOW


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    waiting = django_rq.get_queue("default")
    waiting.connection.flushdb()
    yield waiting
    waiting.connection.flushdb()


def make_busy(messages: int) -> Tenant:
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()
        campaign = make_sender(tenant)
        for _ in range(messages):
            make_due(campaign)
    return tenant


def whose() -> dict[str, int]:
    with acting_for_all("look whose messages they are"):
        return {f"wb-{pk}": tenant for pk, tenant in Message.objects.values_list("pk", "tenant_id")}


def test_a_tenant_with_very_many_due_waits_its_turn_like_one_with_ten(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "SHARE", 5)
    large, small, smaller = make_busy(40), make_busy(10), make_busy(4)
    jobs.run_regular(code="send")

    # One worker alone, and nobody looks at the schedule again.
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")

    tenants = whose()
    order = [tenants[mail.reference] for mail in FakeEmailProvider.sent]
    assert {tenant.pk: order.count(tenant.pk) for tenant in (large, small, smaller)} == {
        large.pk: 40, small.pk: 10, smaller.pk: 4,
    }  # fmt: skip
    before_small_was_done = order[: len(order) - order[::-1].index(small.pk)]
    assert before_small_was_done.count(large.pk) <= 2 * jobs.SHARE
    assert order[:14].count(smaller.pk) == 4


def launched_at_once(tenant: Tenant, campaign: Campaign) -> list[object]:
    def launch() -> object:
        with acting_for(tenant.pk):
            mine = Campaign.objects.for_tenant(tenant).get(pk=campaign.pk)
            return campaigning.launch(mine, now=NOW, actor="test")

    return at_once(launch, launch)


def test_two_who_launch_a_campaign_at_once_launch_it_once() -> None:
    tenant = make_busy(0)
    with acting_for(tenant.pk):
        campaign = Campaign.objects.for_tenant(tenant).get()
        Campaign.objects.for_tenant(tenant).update(state="draft", launched_at=None)

    assert sorted(map(str, launched_at_once(tenant, campaign))) == ["False", "True"]


def test_two_plans_at_once_enrol_everybody_once() -> None:
    tenant = make_busy(0)
    with acting_for(tenant.pk):
        campaign = Campaign.objects.for_tenant(tenant).get()
        for _ in range(6):
            make_due(campaign)
        Message.objects.for_tenant(tenant).delete()
        Enrolment.objects.for_tenant(tenant).delete()

    def plan_once() -> object:
        with acting_for(tenant.pk):
            return plan(tenant, now=NOW)["enrolled"]

    assert sorted(map(str, at_once(plan_once, plan_once))) == ["0", "6"]
    with acting_for(tenant.pk):
        assert Enrolment.objects.for_tenant(tenant).count() == 6
        assert Message.objects.for_tenant(tenant).values("enrolment", "step_code").distinct().count() == 6
