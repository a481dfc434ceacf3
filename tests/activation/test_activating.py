"""A module runs, or says exactly what is missing; losing something suspends it, mending brings it back."""

import json
from datetime import datetime, timedelta
from io import StringIO
from itertools import product
from typing import Any

import pytest
from django.core.management import call_command

from catalog.models import Module
from tenants.accounts.models import Tenant
from tenants.activation.activating import ModuleNotFound, activate, reevaluate, retire
from tenants.activation.models import ModuleActivation
from tenants.activation.module_settings import SettingsInvalid
from tenants.connections.evidence import note_data
from tenants.journal.models import AuditEntry, Event, Task
from tests.activation.missing import BREAKAGES, due, refused_plan

CODE = "dormant_customer_reactivation"


def test_what_lacks_nothing_is_activated_with_the_defaults_filled_in(shop: Tenant, now: datetime) -> None:
    answer = activate(shop, CODE, {}, now=now, actor="test")

    assert answer.status == 200
    assert answer.body["state"] == "activated"
    assert answer.body["settings"]["dormant_cohorts_months"] == [6, 9, 12]
    assert answer.body["settings"]["exclude_do_not_contact"] is True
    assert all(answer.body["requirements"][when] == [] for when in answer.body["requirements"])


COMBINATIONS = list(product([False, True], repeat=len(BREAKAGES)))


@pytest.mark.parametrize("broken", COMBINATIONS, ids=lambda chosen: "".join("01"[x] for x in chosen))
def test_every_combination_lists_exactly_what_is_missing(shop: Tenant, now: datetime, broken: tuple[bool, ...]) -> None:
    expected = {code for code, is_broken in zip(BREAKAGES, broken, strict=True) if is_broken}
    for code in expected:
        BREAKAGES[code](shop, now)

    answer = activate(shop, CODE, None, now=now, actor="test")

    assert due(answer.body) == expected
    assert answer.status == (202 if expected else 200)
    assert answer.body["state"] == ("deferred" if expected else "activated")
    for requirement in answer.body["requirements"]["currently_due"]:
        assert requirement["kind"] in {"entitlement", "capability", "data", "compliance", "approval"}
        assert requirement["message"]
        assert set(requirement["fix"]) == {"console", "api", "cli"}
    assert not Task.objects.for_tenant(shop).exists()


def test_email_alone_asks_nothing_of_texts(shop: Tenant, now: datetime) -> None:
    BREAKAGES["capability.sms.not_connected"](shop, now)
    refused_plan(shop, now)

    deferred = activate(shop, CODE, {}, now=now, actor="test").body
    assert {tuple(each["alternatives"]) for each in deferred["requirements"]["currently_due"]} == {
        ("mode:email_only", "plan:growth"),
        ("mode:email_only",),
    }

    assert activate(shop, CODE, {"channels": ["email"]}, now=now, actor="test").status == 200


def test_more_contacts_than_the_plan_allows_names_the_plan_that_does(shop: Tenant, now: datetime) -> None:
    note_data(shop, "contacts", rows=100_001, newest_at=None, now=now)

    body = activate(shop, CODE, {}, now=now, actor="test").body

    assert due(body) == {"entitlement.contacts.over_limit"}
    assert body["requirements"]["currently_due"][0]["alternatives"] == ["plan:enterprise"]


def test_four_fifths_of_the_limit_is_a_warning_and_no_obstacle(shop: Tenant, now: datetime) -> None:
    note_data(shop, "contacts", rows=80_000, newest_at=None, now=now)

    answer = activate(shop, CODE, {}, now=now, actor="test")

    assert answer.status == 200
    assert due(answer.body, "eventually_due") == {"entitlement.contacts.near_limit"}


def test_a_connection_that_was_not_tried_lately_is_pending(shop: Tenant, now: datetime) -> None:
    answer = activate(shop, CODE, {}, now=now + timedelta(days=2), actor="test")

    assert answer.status == 202
    assert due(answer.body, "pending_verification") == {"capability.email.not_verified", "capability.sms.not_verified"}
    assert due(answer.body) == set()


def test_an_unreleased_module_waits_for_approval(shop: Tenant, now: datetime) -> None:
    Module.objects.update(status="spec")

    assert due(activate(shop, CODE, {}, now=now, actor="test").body) == {"approval.module.not_released"}


def test_the_same_call_twice_answers_the_same(shop: Tenant, now: datetime) -> None:
    first = activate(shop, CODE, {"daily_enrolment_cap": 50}, now=now, actor="test")

    assert activate(shop, CODE, {"daily_enrolment_cap": 50}, now=now, actor="test") == first
    assert ModuleActivation.objects.for_tenant(shop).count() == 1
    assert Event.objects.for_tenant(shop).filter(kind="module.activated").count() == 1


def test_settings_left_out_stay_as_they_were(shop: Tenant, now: datetime) -> None:
    activate(shop, CODE, {"daily_enrolment_cap": 50}, now=now, actor="test")

    assert activate(shop, CODE, None, now=now, actor="test").body["settings"]["daily_enrolment_cap"] == 50
    assert activate(shop, CODE, {}, now=now, actor="test").body["settings"]["daily_enrolment_cap"] == 200


def test_losing_a_requirement_suspends_and_mending_brings_back(shop: Tenant, now: datetime) -> None:
    activate(shop, CODE, {}, now=now, actor="test")
    note_data(shop, "jobs", rows=9_000, newest_at=now - timedelta(days=200), now=now)

    (lost,) = reevaluate(shop, now=now)
    activation = ModuleActivation.objects.for_tenant(shop).get()
    assert (lost.new, lost.reasons) == ("suspended", ["capability.crm.jobs_stale"])
    assert due({"requirements": activation.requirements}, "past_due") == {"capability.crm.jobs_stale"}
    assert reevaluate(shop, now=now) == []

    note_data(shop, "jobs", rows=9_000, newest_at=now, now=now)

    assert [change.new for change in reevaluate(shop, now=now)] == ["activated"]
    kinds = Event.objects.for_tenant(shop).filter(kind__startswith="module.").order_by("id")
    assert [event.kind for event in kinds] == ["module.activated", "module.suspended", "module.resumed"]


def test_what_never_ran_stays_deferred_until_all_is_there(shop: Tenant, now: datetime) -> None:
    note_data(shop, "jobs", rows=0, newest_at=None, now=now)
    activate(shop, CODE, {}, now=now, actor="test")
    assert reevaluate(shop, now=now) == []

    note_data(shop, "jobs", rows=1, newest_at=now, now=now)

    (change,) = reevaluate(shop, now=now)
    assert (change.old, change.new) == ("deferred", "activated")


def test_a_retired_module_is_left_alone_until_it_is_asked_for_again(shop: Tenant, now: datetime) -> None:
    activate(shop, CODE, {}, now=now, actor="test")
    activation = ModuleActivation.objects.for_tenant(shop).get()

    assert retire(activation, now=now, actor="test")

    assert reevaluate(shop, now=now) == []
    assert activate(shop, CODE, None, now=now, actor="test").status == 200


@pytest.mark.parametrize(("share", "fixed"), [(None, None), (0.25, 2_500), (0, 0)])
def test_the_held_out_share_is_fixed_now_or_left_to_the_first_scan(
    shop: Tenant, now: datetime, share: float | None, fixed: int | None
) -> None:
    activate(shop, CODE, {"holdout_share": share}, now=now, actor="test")

    assert ModuleActivation.objects.for_tenant(shop).get().holdout_share == fixed


def test_every_call_is_in_the_audit_and_denials_too(shop: Tenant, now: datetime) -> None:
    refused_plan(shop, now)
    activate(shop, CODE, {}, now=now, actor="ana@example.com")

    entry = AuditEntry.objects.for_tenant(shop).get(action="module.activation_asked")
    assert (entry.actor, entry.data["state"]) == ("ana@example.com", "deferred")


def test_an_unknown_module_is_not_found(shop: Tenant, now: datetime) -> None:
    with pytest.raises(ModuleNotFound):
        activate(shop, "win_the_lottery", {}, now=now, actor="test")


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ({"dormant_cohorts_months": [6, 0]}, ["settings.dormant_cohorts_months[1]"]),
        ({"holdout_share": 0.6}, ["settings.holdout_share"]),
        ({"holdout_share": float("nan")}, ["settings.holdout_share"]),
        ({"channels": []}, ["settings.channels"]),
        ({"channels": ["fax"], "offer": 5}, ["settings.channels[0]", "settings.offer"]),
        ({"colour": "red"}, ["settings.colour"]),
        ({"do_not_contact_tags": ["a\x00b"]}, ["settings.do_not_contact_tags[0]"]),
        ({"give_up_after_months": 9}, ["settings.give_up_after_months"]),
        ({"exclude_do_not_contact": "yes"}, ["settings.exclude_do_not_contact"]),
    ],
)
def test_every_wrong_setting_is_named_and_nothing_is_kept(
    shop: Tenant, now: datetime, settings: dict[str, Any], paths: list[str]
) -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        activate(shop, CODE, settings, now=now, actor="test")

    assert [error["path"] for error in refusal.value.errors] == paths
    assert not ModuleActivation.objects.for_tenant(shop).exists()


def test_cohorts_are_put_in_order_and_nobody_is_given_up_before_the_last(shop: Tenant, now: datetime) -> None:
    settings = activate(shop, CODE, {"dormant_cohorts_months": [36, 12.0]}, now=now, actor="test").body["settings"]

    assert settings["dormant_cohorts_months"] == [12, 36]
    assert settings["give_up_after_months"] == 48


def test_one_tenants_activation_is_not_anothers(shop: Tenant, now: datetime) -> None:
    activate(shop, CODE, {}, now=now, actor="test")

    assert ModuleActivation.objects.for_tenant(shop).filter(tenant=shop).count() == 1
    assert not ModuleActivation.objects.exclude(tenant=shop).exists()


def test_connecting_what_was_missing_activates_by_itself(shop: Tenant, now: datetime) -> None:
    BREAKAGES["capability.email.not_connected"](shop, now)
    activate(shop, CODE, {"channels": ["email"]}, now=now, actor="test")
    out = StringIO()

    call_command("connect_provider", "email", "fake", tenant=shop.slug, as_of=now.isoformat(), json=True, stdout=out)

    assert json.loads(out.getvalue())["modules"] == {CODE: "activated"}
    assert ModuleActivation.objects.for_tenant(shop).get().state == "activated"
