"""The report: counts of both arms, matured by one rule, money, and what the data cannot carry."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.audience.experiment_models import Arm
from campaigns.planning.models import Campaign, Message, Offer
from campaigns.results.attributing import attribute
from campaigns.results.reporting import PeriodEndsBeforeItBegins, results
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_campaign, make_enrolment, make_job, make_message
from tests.oracle import lift as oracle_lift
from tests.results.crowds import enrol_many

DAY = timedelta(days=1)
LATER = NOW + 90 * DAY
NOT_ENOUGH = "insufficient_data"


def test_gives_every_number_of_the_contract(tenant: Tenant, campaign: Campaign) -> None:
    enrol_many(campaign, Arm.TREATED, 200, returning=40)
    enrol_many(campaign, Arm.HELD_OUT, 50, returning=5)
    attribute(tenant, now=LATER)

    report = results(tenant, now=LATER)

    rate = oracle_lift.difference(40, 200, 5, 50)
    assert (report["episodes"], report["assigned_treated"], report["assigned_held_out"]) == (250, 200, 50)
    assert (report["matured_treated"], report["matured_held_out"]) == (200, 50)
    assert (report["reactivated_treated"], report["reactivated_held_out"]) == (40, 5)
    assert (report["reactivation_rate"], report["holdout_rate"]) == (0.2, 0.1)
    assert report["lift"] == {
        "value": pytest.approx(0.1),
        "low": pytest.approx(rate.low, abs=1e-6),
        "high": pytest.approx(rate.high, abs=1e-6),
    }
    assert (report["revenue"], report["revenue_per_reactivation"]) == ("4000.00", "100.00")
    gained = report["incremental_revenue"]
    assert gained["value"] == "2000.00"  # (40 × 100 ÷ 200 - 5 × 100 ÷ 50) × 200
    assert Decimal(gained["low"]) < 2_000 < Decimal(gained["high"])
    assert (report["cost"], report["roi"]) == ("0.00", {"state": NOT_ENOUGH, "have": 0, "need": 1})
    assert report["currency"] == "USD"
    assert report["window"] == {"days": 60}
    [line] = report["campaigns"]
    assert (line["code"], line["name"]) == (campaign.code, campaign.name)
    assert {key: line[key] for key in report.keys() & line.keys()} == {
        key: report[key] for key in report.keys() & line.keys()
    }


def test_a_tenant_without_any_enrolment_has_counts_of_0_and_no_guess(tenant: Tenant, campaign: Campaign) -> None:
    report = results(tenant, now=NOW)

    assert (report["episodes"], report["revenue"], report["cost"], report["messages"]) == (0, "0.00", "0.00", {})
    missing = {key: value["need"] for key, value in report.items() if isinstance(value, dict) and "state" in value}
    assert missing == {
        "reactivation_rate": 1,
        "holdout_rate": 1,
        "lift": 30,
        "revenue_per_reactivation": 1,
        "incremental_revenue": 30,
        "roi": 30,
    }
    assert all(report[key] == {"state": NOT_ENOUGH, "have": 0, "need": need} for key, need in missing.items())


def test_no_campaign_yet_is_an_empty_list(tenant: Tenant) -> None:
    report = results(tenant, now=NOW)

    assert (report["campaigns"], report["window"], report["episodes"]) == ([], {"days": None}, 0)


@pytest.mark.parametrize("arm", Arm.values)
def test_both_arms_mature_at_the_same_second(tenant: Tenant, campaign: Campaign, arm: str) -> None:
    enrol_many(campaign, arm, 4, returning=2)
    attribute(tenant, now=NOW + 60 * DAY)

    before = results(tenant, now=NOW + 60 * DAY - timedelta(seconds=1))
    after = results(tenant, now=NOW + 60 * DAY)

    rate = "reactivation_rate" if arm == Arm.TREATED else "holdout_rate"
    assert (before[f"matured_{arm}"], before[f"reactivated_{arm}"]) == (0, 2)
    assert (before[f"reactivated_matured_{arm}"], before[rate]["have"]) == (0, 0)
    assert (after[f"matured_{arm}"], after[rate]) == (4, 0.5)


def test_a_return_of_an_open_window_is_in_no_rate(tenant: Tenant, campaign: Campaign) -> None:
    enrol_many(campaign, Arm.TREATED, 10, returning=1)
    enrol_many(campaign, Arm.TREATED, 10, returning=9, at=NOW + 50 * DAY)
    attribute(tenant, now=NOW + 70 * DAY)

    report = results(tenant, now=NOW + 70 * DAY)

    assert (report["assigned_treated"], report["matured_treated"], report["reactivated_treated"]) == (20, 10, 10)
    assert (report["reactivated_matured_treated"], report["reactivation_rate"]) == (1, 0.1)


def test_the_period_is_of_local_days_of_assignment(tenant: Tenant, campaign: Campaign) -> None:
    midnight = datetime(2026, 9, 1, 0, 0, tzinfo=ZoneInfo("America/Chicago"))
    enrol_many(campaign, Arm.TREATED, 1, at=midnight - timedelta(seconds=1))
    enrol_many(campaign, Arm.TREATED, 2, at=midnight)
    enrol_many(campaign, Arm.HELD_OUT, 4, at=midnight + 30 * DAY - timedelta(seconds=1))
    enrol_many(campaign, Arm.HELD_OUT, 8, at=midnight + 30 * DAY)

    report = results(tenant, now=LATER, first=date(2026, 9, 1), last=date(2026, 9, 30))

    assert (report["assigned_treated"], report["assigned_held_out"]) == (2, 4)
    assert (report["period"]["from"], report["period"]["to"]) == ("2026-09-01", "2026-09-30")
    assert results(tenant, now=LATER, first=date(2026, 9, 1))["episodes"] == 14
    assert results(tenant, now=LATER, last=date(2026, 9, 30))["episodes"] == 7


def test_a_period_that_ends_before_it_begins_is_refused(tenant: Tenant) -> None:
    with pytest.raises(PeriodEndsBeforeItBegins):
        results(tenant, now=NOW, first=date(2026, 9, 2), last=date(2026, 9, 1))


def test_as_of_an_earlier_moment_later_enrolments_and_returns_do_not_exist(tenant: Tenant, campaign: Campaign) -> None:
    enrol_many(campaign, Arm.TREATED, 3, returning=3)
    enrol_many(campaign, Arm.TREATED, 3, at=NOW + 10 * DAY)
    attribute(tenant, now=LATER)

    report = results(tenant, now=NOW + 5 * DAY - timedelta(seconds=1))

    assert (report["assigned_treated"], report["reactivated_treated"], report["revenue"]) == (3, 0, "0.00")


def test_messages_are_counted_by_channel_and_state_with_what_they_cost(tenant: Tenant, campaign: Campaign) -> None:
    one, two = enrol_many(campaign, Arm.TREATED, 2)
    [held_out] = enrol_many(campaign, Arm.HELD_OUT, 1)
    make_message(one, "hello", state=Message.State.DELIVERED, cost_minor=2)
    make_message(two, "hello", state=Message.State.DELIVERED, cost_minor=2)
    make_message(one, "nudge", state=Message.State.HANDED_OVER, cost_minor=9)
    make_message(two, "nudge", state=Message.State.BLOCKED)
    make_message(held_out, "hello", state=Message.State.GHOST)

    report = results(tenant, now=LATER)

    assert report["messages"] == {
        "email": {"delivered": 2, "ghost": 1},
        "sms": {"blocked": 1, "handed_over": 1},
    }
    assert report["cost"] == "0.13"


def test_an_offer_costs_for_those_who_came_back_after_it_was_made(tenant: Tenant, campaign: Campaign) -> None:
    offer = Offer.objects.create(
        tenant=tenant, code="25-off", name="$25 off", kind=Offer.Kind.AMOUNT, cost_minor=2_500, created_at=NOW
    )
    after, before, not_sent, stayed = enrol_many(campaign, Arm.TREATED, 4, returning=3)
    for enrolment, state, at in (
        (after, Message.State.DELIVERED, NOW + 4 * DAY),
        (before, Message.State.DELIVERED, NOW + 6 * DAY),
        (not_sent, Message.State.CANCELLED, None),
        (stayed, Message.State.DELIVERED, NOW + 4 * DAY),
    ):
        make_message(enrolment, "offer", state=state, offer=offer, handed_over_at=at)
    attribute(tenant, now=LATER)

    report = results(tenant, now=LATER)

    assert (report["reactivated_treated"], report["cost"]) == (3, "25.00")


def test_the_return_on_cost_counts_what_has_matured_alone(tenant: Tenant, campaign: Campaign) -> None:
    for treated in enrol_many(campaign, Arm.TREATED, 100, returning=20)[:50]:
        make_message(treated, state=Message.State.DELIVERED, cost_minor=100)
    for young in enrol_many(campaign, Arm.TREATED, 10, at=NOW + 80 * DAY):
        make_message(young, state=Message.State.DELIVERED, cost_minor=100)
    enrol_many(campaign, Arm.HELD_OUT, 100, returning=10)
    attribute(tenant, now=LATER)

    report = results(tenant, now=LATER)

    assert report["incremental_revenue"]["value"] == "1000.00"
    assert (report["cost"], report["cost_matured"], report["roi"]) == ("60.00", "50.00", 19.0)


def test_foreign_money_stands_apart(tenant: Tenant, campaign: Campaign) -> None:
    one, two, three = enrol_many(campaign, Arm.TREATED, 3)
    [held_out] = enrol_many(campaign, Arm.HELD_OUT, 1)
    for enrolment, currency, amount in (
        (one, "USD", 5_000),
        (two, "CAD", 7_000),
        (three, "JPY", 900),
        (held_out, "CAD", 1),
    ):
        make_job(enrolment.contact, NOW + DAY, currency=currency, amount_minor=amount)
    attribute(tenant, now=LATER)

    report = results(tenant, now=LATER)

    assert (report["reactivated_treated"], report["revenue"]) == (3, "50.00")
    assert report["other_revenue"] == {"CAD": "70.00", "JPY": "900"}


def test_a_lapse_in_two_campaigns_is_one_in_the_total(tenant: Tenant, campaign: Campaign) -> None:
    other = make_campaign(tenant, window_days=30)
    for first in enrol_many(campaign, Arm.TREATED, 4, returning=1):
        make_enrolment(first.episode, other, enrolled_at=NOW + DAY)
    attribute(tenant, now=NOW + 40 * DAY)

    report = results(tenant, now=NOW + 40 * DAY)

    lines = {line["code"]: line for line in report["campaigns"]}
    assert (report["episodes"], report["reactivated_treated"], report["revenue"]) == (4, 1, "100.00")
    assert (report["matured_treated"], report["window"]) == (0, {"days": None})
    assert (lines[campaign.code]["assigned_treated"], lines[other.code]["assigned_treated"]) == (4, 4)
    assert (lines[campaign.code]["reactivated_treated"], lines[other.code]["reactivated_treated"]) == (1, 0)
    assert (lines[campaign.code]["matured_treated"], lines[other.code]["matured_treated"]) == (0, 4)


def test_one_tenant_s_results_know_nothing_of_another_s(two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    for tenant, number in ((ours, 3), (theirs, 5)):
        enrol_many(make_campaign(tenant), Arm.TREATED, number, returning=number)
        attribute(tenant, now=LATER)

    assert [results(tenant, now=LATER)["reactivated_treated"] for tenant in two_tenants] == [3, 5]


def test_always_takes_the_same_number_of_statements(tenant: Tenant) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            results(tenant, now=LATER)
        return len(captured)

    none = statements()
    for number in range(3):
        enrol_many(make_campaign(tenant), Arm.TREATED, 5, returning=2, at=NOW + number * DAY)
    assert statements() == none == 5
