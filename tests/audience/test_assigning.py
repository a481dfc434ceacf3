"""The holdout draw: once, for good, one arm a household, and anybody can repeat it."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from campaigns.audience import dormancy
from campaigns.audience.assigning import draw_number, drawn_arm
from campaigns.audience.experiment_models import Arm, Assignment
from campaigns.audience.models import Contact, ContactStat, Household
from tenants.accounts.models import Tenant
from tenants.activation.models import ModuleActivation
from tenants.journal.models import Event
from tests.audience import histories
from tests.audience.histories import customer
from tests.factories import make_activation
from tests.oracle.history import ContactRow, History, JobRow, money

LAPSED = timedelta(days=200)


def arms(tenant: Tenant) -> dict[int, str]:
    return dict(Assignment.objects.for_tenant(tenant).values_list("contact_id", "arm"))


def many(tenant: Tenant, number: int, now: datetime) -> None:
    """So many contacts who have lapsed, each in a household of its own."""
    history = History(zone=tenant.zone)
    for each in range(number):
        key = f"lapsed-{each}"
        history.contacts[key] = ContactRow(key, "", "", frozenset(), "", "")
        history.jobs[key] = JobRow(key, key, now - LAPSED, money("1"), "completed")
    histories.load(tenant, history)


def test_the_arm_can_be_repeated_from_salt_key_and_share(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, holdout_share=2_500)
    many(tenant, 400, now)

    report = dormancy.scan(now=now, tenant=tenant)[tenant.pk]

    drawn = list(Assignment.objects.for_tenant(tenant).select_related("contact__household"))
    assert len(drawn) == 400
    for each in drawn:
        assert (each.household_key, each.share, each.drawn_at) == (each.contact.household.key, 2_500, now)
        assert each.arm == drawn_arm(tenant.holdout_salt, each.household_key, each.share)
    held_out = sum(each.arm == Arm.HELD_OUT for each in drawn)
    assert report.held_out == held_out
    assert 60 < held_out < 140  # a quarter of 400, within some four standard deviations


def test_the_draw_is_even() -> None:
    draws = [draw_number("salt", str(number)) for number in range(20_000)]

    assert min(draws) >= 0
    assert max(draws) <= 9_999
    assert abs(sum(draws) / len(draws) - 4_999.5) < 80
    assert abs(sum(draw < 1_000 for draw in draws) / len(draws) - 0.1) < 0.01


def test_another_salt_is_another_draw() -> None:
    assert [draw_number("one", str(number)) for number in range(9)] != [
        draw_number("two", str(number)) for number in range(9)
    ]


def test_a_share_of_nothing_holds_nobody_out(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, holdout_share=0)
    many(tenant, 50, now)

    assert dormancy.scan(now=now, tenant=tenant)[tenant.pk].held_out == 0
    assert set(arms(tenant).values()) == {Arm.TREATED}


@pytest.mark.parametrize(("dormant", "share"), [(1, 3_000), (999, 3_000), (1_000, 2_000), (5_000, 1_000)])
def test_without_a_share_the_first_scan_fixes_it_by_the_number_of_dormant(
    tenant: Tenant, now: datetime, dormant: int, share: int
) -> None:
    activation = make_activation(tenant, holdout_share=None)
    many(tenant, dormant, now)
    customer(tenant, now - timedelta(days=1))

    report = dormancy.scan(now=now, tenant=tenant)[tenant.pk]

    activation.refresh_from_db()
    assert activation.holdout_share == share
    assert len(arms(tenant)) == dormant
    assert report.held_out == sum(arm == Arm.HELD_OUT for arm in arms(tenant).values())
    (event,) = Event.objects.for_tenant(tenant).filter(kind="holdout.share_fixed")
    assert event.data == {"share": share, "dormant": dormant}


def test_the_share_is_fixed_for_good(tenant: Tenant, now: datetime) -> None:
    activation = make_activation(tenant, holdout_share=None)
    many(tenant, 3, now)
    dormancy.scan(now=now, tenant=tenant)
    for _ in range(5):
        customer(tenant, now - LAPSED)

    dormancy.scan(now=now, tenant=tenant)

    activation.refresh_from_db()
    assert activation.holdout_share == 3_000
    assert Event.objects.for_tenant(tenant).filter(kind="holdout.share_fixed").count() == 1


def test_while_nobody_is_dormant_the_share_stays_open(tenant: Tenant, now: datetime) -> None:
    activation = make_activation(tenant, holdout_share=None)
    customer(tenant, now - timedelta(days=1))

    dormancy.scan(now=now, tenant=tenant)

    activation.refresh_from_db()
    assert activation.holdout_share is None


def test_a_changed_share_draws_nobody_anew(tenant: Tenant, now: datetime) -> None:
    activation = make_activation(tenant, holdout_share=5_000)
    many(tenant, 60, now)
    dormancy.scan(now=now, tenant=tenant)
    before = arms(tenant)
    activation.holdout_share = 0
    activation.save()

    dormancy.scan(now=now, tenant=tenant, full=True)

    assert arms(tenant) == before
    assert len(set(before.values())) == 2


def test_members_of_a_household_share_an_arm(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, holdout_share=5_000)
    for number in range(30):
        household = Household.objects.create(tenant=tenant, key=f"home{number}", created_at=now)
        customer(tenant, now - LAPSED, household=household)
        customer(tenant, now - LAPSED, household=household)

    dormancy.scan(now=now, tenant=tenant)

    by_household: dict[str, set[str]] = {}
    for each in Assignment.objects.for_tenant(tenant):
        by_household.setdefault(each.household_key, set()).add(each.arm)
    assert len(by_household) == 30
    assert {len(drawn) for drawn in by_household.values()} == {1}
    assert len({next(iter(drawn)) for drawn in by_household.values()}) == 2


@pytest.mark.parametrize(("first", "then"), [(0, 10_000), (10_000, 0)])
def test_a_later_member_follows_the_household_whatever_the_share_is_now(
    tenant: Tenant, now: datetime, first: int, then: int
) -> None:
    activation = make_activation(tenant, holdout_share=first)
    elder = customer(tenant, now - LAPSED)
    dormancy.scan(now=now, tenant=tenant)
    activation.holdout_share = then
    activation.save()
    younger = customer(tenant, now - LAPSED, household=elder.household)
    stranger = customer(tenant, now - LAPSED)

    dormancy.scan(now=now, tenant=tenant)

    assert arms(tenant)[younger.pk] == arms(tenant)[elder.pk] != arms(tenant)[stranger.pk]
    followed = Assignment.objects.for_tenant(tenant).get(contact=younger)
    assert (followed.household_key, followed.share) == (elder.household.key, first)


def test_nobody_is_without_a_household_for_caps_and_arms_are_counted_there(tenant: Tenant, now: datetime) -> None:
    contact = customer(tenant, now - LAPSED)

    with pytest.raises(IntegrityError, match="household_id"), transaction.atomic():
        Contact.objects.for_tenant(tenant).filter(pk=contact.pk).update(household=None)


def test_only_open_lapses_are_drawn_for(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant)
    customer(tenant, now - timedelta(days=1))
    customer(tenant, now - timedelta(days=900))
    lapsed = customer(tenant, now - LAPSED)

    dormancy.scan(now=now, tenant=tenant)

    assert arms(tenant).keys() == {lapsed.pk}


def test_switching_the_module_on_later_draws_for_the_lapses_that_are_open(tenant: Tenant, now: datetime) -> None:
    lapsed = customer(tenant, now - LAPSED)
    dormancy.scan(now=now, tenant=tenant)
    assert arms(tenant) == {}
    make_activation(tenant, state=ModuleActivation.State.DEFERRED)

    dormancy.scan(now=now, tenant=tenant)

    assert arms(tenant).keys() == {lapsed.pk}


def test_a_retired_activation_draws_nobody(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant, state=ModuleActivation.State.RETIRED, holdout_share=None)
    customer(tenant, now - LAPSED)

    assert dormancy.scan(now=now, tenant=tenant)[tenant.pk].opened == 1
    assert arms(tenant) == {}


def test_the_arm_outlives_the_lapse(tenant: Tenant, now: datetime) -> None:
    make_activation(tenant)
    contact = customer(tenant, now - LAPSED)
    dormancy.scan(now=now, tenant=tenant)
    before = Assignment.objects.for_tenant(tenant).get()
    histories.add_job(contact, now + timedelta(days=1))
    histories.close_by_business(tenant, now=now + timedelta(days=1))

    report = dormancy.scan(now=now + timedelta(days=300), tenant=tenant)[tenant.pk]

    after = Assignment.objects.for_tenant(tenant).get()
    assert (report.opened, after.pk, after.arm, after.drawn_at) == (1, before.pk, before.arm, now)
    assert report.held_out == (after.arm == Arm.HELD_OUT)
    assert ContactStat.objects.for_tenant(tenant).get().not_open_reason == ""


def test_tenants_draw_by_their_own_salts(two_tenants: tuple[Tenant, Tenant], now: datetime) -> None:
    drawn = []
    for tenant in two_tenants:
        make_activation(tenant, holdout_share=5_000)
        many(tenant, 40, now)
    dormancy.scan(now=now)

    for tenant in two_tenants:
        rows = Assignment.objects.for_tenant(tenant).order_by("household_key")
        drawn.append(list(rows.values_list("household_key", "arm")))
    assert [key for key, _ in drawn[0]] == [key for key, _ in drawn[1]]
    assert drawn[0] != drawn[1]
