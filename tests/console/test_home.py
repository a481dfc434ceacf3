"""Home: the report's numbers and nothing else, what needs somebody, how far setting up has come."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.audience.models import ImportBatch
from campaigns.operating.attention import looked_at
from campaigns.operating.figures import cards, comparison
from campaigns.operating.models import ScheduledTask
from campaigns.planning.models import Campaign, Message, Offer
from tenants.access.models import User
from tenants.activation.models import ModuleActivation
from tenants.connections.models import Connection
from tenants.journal.models import Task
from tests import factories
from tests.console import furnishing
from tests.console.conftest import Business
from winback.console.charts import Comparison
from winback.tenancy import acting_for, acting_for_all

Browse = Callable[[User], Client]
LACKING = {"state": "insufficient_data", "have": 3, "need": 30}


def _report(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "episodes": 2000, "assigned_treated": 1600, "assigned_held_out": 400, "matured_treated": 1000,
        "matured_held_out": 250, "reactivated_treated": 90, "reactivated_held_out": 12,
        "reactivated_matured_treated": 80, "reactivated_matured_held_out": 10, "reactivation_rate": 0.08,
        "holdout_rate": 0.04, "lift": {"value": 0.04, "low": 0.01, "high": 0.07}, "revenue": "12345.60",
        "revenue_per_reactivation": "137.17",
        "incremental_revenue": {"value": "5100.00", "low": "900.00", "high": "9300.00"}, "cost": "120.00",
        "cost_matured": "100.00", "roi": 50.0, "currency": "USD",
    }  # fmt: skip
    return told | changes


def test_numbers_are_shown_with_their_intervals_and_what_they_mean() -> None:
    extra, lift, won, revenue, cost = cards(_report())

    assert (extra.value, extra.detail) == ("$5,100.00", "95 % sure: $900.00 to $9,300.00")
    assert (lift.value, lift.detail, lift.tone) == ("+4.0 pts", "95 % sure: +1.0 pts to +7.0 pts", "good")
    assert (won.value, revenue.value, cost.value) == ("90", "$12.3k", "$120.00")
    assert all(len(card.definition) > 40 for card in (extra, lift, won, revenue, cost))


def test_what_the_data_cannot_carry_is_never_a_number() -> None:
    told = _report(lift=LACKING, incremental_revenue=LACKING, roi=LACKING, reactivation_rate=LACKING)

    extra, lift, *_ = cards(told)

    assert extra.lacking == LACKING
    assert lift.lacking == LACKING
    chart = comparison(told).chart
    assert isinstance(chart, Comparison)
    assert chart.conclusion == "Not enough closed windows to compare yet: 3 of 30 on the smaller side."


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.07, "brings customers back"),
        (-0.02, 0.07, "may still be chance"),
        (-0.09, -0.01, "keeps customers away"),
    ],
)
def test_the_comparison_says_no_more_than_its_interval(low: float, high: float, said: str) -> None:
    panel = comparison(_report(lift={"value": (low + high) / 2, "low": low, "high": high}))

    assert said in panel.chart.conclusion


def test_without_customers_home_leads_to_where_a_file_is_imported(db: None, browse: Browse) -> None:
    with acting_for_all("test"):
        tenant = factories.make_tenant("new-shop")
        owner = furnishing.member(tenant, "owner")

    page = browse(owner).get("/console/").content.decode()

    assert "Import your first customers" in page
    assert 'href="/console/campaigns/importbatch/add/' in page
    assert "1 of 6 steps done" in page
    assert "connect an e-mail provider" in page


def test_home_leads_with_the_figures_of_the_report(ours: Business, browse: Browse) -> None:
    page = browse(ours.people["analyst"]).get("/console/").content.decode()

    assert "Not enough data yet" in page
    assert "0 of 30 needed" in page
    assert "Won back lately" in page
    assert "oakmark Contact" in page


def _titles(business: Business) -> list[str]:
    with acting_for(business.tenant.pk):
        return [item.title for item in looked_at(business.tenant, now=factories.NOW)]


def _update(model: Any, business: Business, **values: Any) -> None:
    with acting_for(business.tenant.pk):
        model.objects.for_tenant(business.tenant).update(**values)


NOW = factories.NOW
CASES: list[tuple[Any, dict[str, Any], str]] = [
    (
        Connection,
        {"state": "paused", "paused_reason": "401 Unauthorized", "paused_at": NOW},
        "oakmark outbox is paused",
    ),
    (ModuleActivation, {"state": "suspended"}, "Dormant customer reactivation has stopped"),
    (ModuleActivation, {"state": "deferred"}, "Dormant customer reactivation waits to start"),
    (Campaign, {"state": "paused"}, "“oakmark campaign” is paused"),
    (Campaign, {"state": "draft"}, "“oakmark campaign” is not launched"),
    (Message, {"state": "unknown", "settled_at": NOW}, "1 message may or may not have left"),
    (Task, {"state": "failed", "created_at": NOW}, "oakmark task failed"),
    (ImportBatch, {"rejected": 312}, "oakmark.csv: 312 rows rejected"),
    (ImportBatch, {"state": "failed"}, "The import of oakmark.csv failed"),
    (Offer, {"expires_on": NOW.date() + timedelta(days=3)}, "“oakmark $25 off” ends soon"),
    (Offer, {"expires_on": NOW.date() - timedelta(days=3)}, "“oakmark $25 off” is not made"),
]


@pytest.mark.parametrize(("model", "values", "title"), CASES, ids=[case[2] for case in CASES])
def test_what_needs_somebody_is_listed(model: Any, values: dict[str, Any], title: str, ours: Business) -> None:
    assert title not in _titles(ours)

    _update(model, ours, **values)

    assert title in _titles(ours)


def test_a_customer_who_waits_for_an_answer_is_listed(ours: Business) -> None:
    assert "1 customer asked for a visit" in _titles(ours)


def test_a_scan_that_does_not_run_is_broken(ours: Business) -> None:
    ScheduledTask.objects.create(
        code="scan", every_seconds=3600, next_due_at=NOW, last_finished_at=NOW - timedelta(hours=5)
    )

    assert _titles(ours)[0] == "The scan for dormant customers has not run"


def test_the_number_beside_home_follows_at_once_what_people_do(ours: Business, browse: Browse) -> None:
    client = browse(ours.people["owner"])

    def listed() -> bool:
        return "oakmark campaign” is paused" in client.get("/console/").content.decode()

    assert not listed()
    client.post(f"/console/campaigns/campaign/{ours.rows['campaign'].pk}/pause/")
    assert listed()
    client.post(f"/console/campaigns/campaign/{ours.rows['campaign'].pk}/resume/")
    assert not listed()


def test_every_thing_that_needs_somebody_leads_to_a_page_that_is_there(ours: Business, browse: Browse) -> None:
    for model, values, _ in CASES:
        _update(model, ours, **values)
    client = browse(ours.people["owner"])

    with acting_for(ours.tenant.pk):
        items = looked_at(ours.tenant, now=timezone.now())

    assert len(items) >= 5
    assert [item.url for item in items if client.get(item.url).status_code != 200] == []
