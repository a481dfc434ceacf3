"""The commands attribute_jobs and report, and GET /api/results: one set of numbers through every door."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaigns.audience.experiment_models import Arm
from campaigns.planning.models import Message
from campaigns.results.models import Reactivation
from campaigns.results.reporting import results
from tenants.access.keys import create_key
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_campaign, make_contact, make_enrolment, make_episode, make_job, make_message
from winback.tenancy import acting_for

DAY = timedelta(days=1)
DAY_0 = NOW - 30 * DAY  # 31 August in Chicago
ADDRESS = "/api/results"


def run(command: str, *arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def run_json(command: str, *arguments: str, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(command, *arguments, json=True, **options))
    return answer


def come_back(tenant: Tenant, *, treated: int, held_out: int) -> None:
    """Both arms enrolled on day 0 and all but one of each back the day after."""
    campaign = make_campaign(tenant, window_days=20)
    for arm, number in ((Arm.TREATED, treated), (Arm.HELD_OUT, held_out)):
        for place in range(number):
            contact = make_contact(tenant)
            enrolment = make_enrolment(make_episode(contact), campaign, arm)
            make_message(enrolment, state=Message.State.DELIVERED if arm == Arm.TREATED else Message.State.GHOST)
            if place:
                make_job(contact, DAY_0 + DAY)


@pytest.fixture
def business(tenant: Tenant) -> Tenant:
    come_back(tenant, treated=40, held_out=32)
    return tenant


@pytest.fixture
def reported(business: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """Asked the day after, whatever day it is: the doors read the clock."""
    monkeypatch.setattr(timezone, "now", lambda: NOW + DAY)
    run("attribute_jobs", tenant=business.slug, as_of="2026-09-30")
    return business


def key(tenant: Tenant, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_key(tenant, name='test', now=timezone.now(), scopes=scopes)[1]}"}


def test_attribute_jobs_says_what_it_changed(business: Tenant) -> None:
    report = run_json("attribute_jobs", tenant=business.slug, as_of="2026-09-30")

    assert report == {
        "closed": 70,
        "reactivated": 70,
        "held_out": 31,
        "moved": 0,
        "withdrawn": 0,
        "revenue": "8400.00",
        "currency": "USD",
        "other_revenue": {},
    }
    assert run_json("attribute_jobs", tenant=business.slug, as_of="2026-09-30", full=True)["reactivated"] == 0


def test_attribute_jobs_keeps_nothing_of_a_dry_run(business: Tenant) -> None:
    report = run_json("attribute_jobs", tenant=business.slug, as_of="2026-09-30", dry_run=True)

    assert report["reactivated"] == 70
    assert not Reactivation.objects.for_tenant(business).exists()
    assert run_json("attribute_jobs", tenant=business.slug, as_of="2026-09-30") == report


def test_as_of_a_day_later_jobs_do_not_exist(business: Tenant) -> None:
    assert run_json("attribute_jobs", tenant=business.slug, as_of="2026-08-31")["reactivated"] == 0
    assert run_json("attribute_jobs", tenant=business.slug, as_of="2026-09-01")["reactivated"] == 70


def test_the_command_and_the_api_give_the_deed_s_numbers(client: Client, reported: Tenant) -> None:
    by_command = run_json("report", tenant=reported.slug)
    answer = client.get(ADDRESS, headers=key(reported, "results:read"))
    deed = results(reported, now=timezone.now())

    assert answer.status_code == 200
    found = [by_command, answer.json(), deed]
    for report in found:
        report["period"].pop("as_of")
    assert found[0] == found[1] == found[2]
    assert deed["lift"].keys() == {"value", "low", "high"}
    assert (deed["matured_treated"], deed["matured_held_out"], deed["revenue"]) == (40, 32, "4680.00")


def test_both_doors_take_a_period(client: Client, reported: Tenant) -> None:
    for first, last, number in (("2026-08-31", "2026-08-31", 72), ("2026-09-01", "2026-09-30", 0)):
        answer = client.get(f"{ADDRESS}?from={first}&to={last}", headers=key(reported)).json()
        report = run_json("report", f"--from={first}", f"--to={last}", tenant=reported.slug)
        assert answer["episodes"] == report["episodes"] == number
        assert (answer["period"]["from"], answer["period"]["to"]) == (first, last)


@pytest.mark.parametrize(
    ("query", "code"), [("from=2026-09-02&to=2026-09-01", "period_invalid"), ("from=yesterday", "request_invalid")]
)
def test_the_api_refuses_a_period_that_is_none(client: Client, tenant: Tenant, query: str, code: str) -> None:
    answer = client.get(f"{ADDRESS}?{query}", headers=key(tenant))

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_api_needs_the_scope(client: Client, tenant: Tenant) -> None:
    answer = client.get(ADDRESS, headers=key(tenant, "contacts:read"))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert client.get(ADDRESS).status_code == 401


def test_the_api_gives_a_key_its_own_tenant_s_numbers(client: Client, two_tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = two_tenants
    come_back(theirs, treated=2, held_out=2)
    with acting_for(ours.pk):
        headers = key(ours)

    answer = client.get(ADDRESS, headers=headers).json()

    assert (answer["episodes"], answer["campaigns"]) == (0, [])


def test_the_openapi_document_names_every_number(client: Client) -> None:
    document = client.get("/api/openapi.json").json()

    [get] = [methods["get"] for path, methods in document["paths"].items() if path == ADDRESS]
    assert {each["name"] for each in get["parameters"]} == {"from", "to"}
    fields = document["components"]["schemas"]["Results"]["properties"]
    assert fields.keys() >= {"period", "window", "lift", "incremental_revenue", "messages", "roi", "campaigns"}


def test_a_last_day_before_the_first_is_wrong_usage(tenant: Tenant) -> None:
    with pytest.raises(CommandError) as refusal:
        run("report", "--from=2026-09-02", "--to=2026-09-01", tenant=tenant.slug)

    assert refusal.value.returncode == 2


def test_the_report_reads_as_a_report(reported: Tenant) -> None:
    lines = run("report", tenant=reported.slug, as_of="2026-10-31").splitlines()

    text = "\n".join(lines)
    assert "Enrolled at any time, as of 2026-10-31 12:00; 20 days count as coming back." in text
    assert [line.split() for line in lines if line.strip().startswith("came back")] == [["came", "back", "39", "31"]]
    assert "97.5%" in text
    assert "+0.6 points (95 % interval: " in text
    assert "USD 4,680.00, 120.00 for each who came back" in text
    assert "messages by email     40 delivered, 32 ghost" in text
    assert not any(mark in text for mark in ("{", "insufficient_data", "None"))


def test_the_report_says_what_is_missing(tenant: Tenant) -> None:
    assert "No campaign yet" in run("report", tenant=tenant.slug)
    come_back(tenant, treated=3, held_out=2)

    text = run("report", tenant=tenant.slug, as_of="2026-10-31")

    assert text.count("not known yet: 2 of the smaller arm have closed their window, 30 are needed") == 2


def test_without_a_tenant_all_are_reported_and_only_what_adds_up_is_added(two_tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in two_tenants:
        come_back(tenant, treated=2, held_out=2)
    run("attribute_jobs", as_of="2026-09-30")

    report = run_json("report", as_of="2026-10-31")

    assert report["tenants"].keys() == {tenant.slug for tenant in two_tenants}
    total = report["total"]
    assert (total["assigned_treated"], total["reactivated_held_out"], total["revenue"]) == (4, 2, "240.00")
    assert total["messages"] == {"email": {"delivered": 4, "ghost": 4}}
    assert not total.keys() & {"reactivation_rate", "lift", "incremental_revenue", "roi", "campaigns"}
