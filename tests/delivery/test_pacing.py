"""Limits that all workers keep together, in the real store; waiting, postponing, and the store gone."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
from redis import Redis

from campaigns.delivery import pacing, sending
from campaigns.delivery.pacing import Load, limits_of, pace
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections import breaker
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from tests.delivery.making import make_due, make_sender
from tests.factories import NOW
from winback import permits
from winback.permits import Limit, daily, take


def fresh(per_second: float, burst: float) -> Limit:
    return Limit(f"test:{uuid4()}", per_second, burst)


def granted(limit: Limit, costs: Sequence[float]) -> list[bool]:
    return list(take([{limit: cost} for cost in costs]).allowed)


def smtp(tenant: Tenant, kind: str = "email", **options: object) -> Connection:
    provider = "smtp" if kind == "email" else "twilio"
    return connect(tenant, kind=kind, provider=provider, label=str(uuid4()), options=options, now=NOW, actor="a")


def test_a_burst_goes_and_the_rest_is_told_when() -> None:
    limit = fresh(0.01, 3)

    grant = take([{limit: 1}] * 5)

    assert grant.allowed == (True, True, True, False, False)
    assert 95 < grant.wait_seconds <= 100


def test_what_waits_may_go_when_it_was_said() -> None:
    limit = fresh(20, 1)
    assert granted(limit, [1]) == [True]

    wait = take([{limit: 1}]).wait_seconds
    time.sleep(wait + 0.002)

    assert granted(limit, [1, 1]) == [True, False]


def test_one_that_may_not_go_costs_no_permit_anywhere_and_holds_nobody_up() -> None:
    narrow, wide = fresh(0.01, 1), fresh(0.01, 3)

    grant = take([{narrow: 1, wide: 1}, {narrow: 1, wide: 1}, {wide: 1}, {wide: 1}, {wide: 1}])

    assert grant.allowed == (True, False, True, True, False)


def test_what_costs_more_than_a_burst_waits_for_a_full_bucket_and_then_goes() -> None:
    limit = fresh(0.01, 2)

    assert granted(limit, [5]) == [True]
    assert granted(limit, [1]) == [False]


def test_a_day_is_never_exceeded_however_the_burst_falls() -> None:
    limit = daily("x", 1_000)

    assert limit.burst + limit.per_second * 86_400 <= 1_000


@rules(deadline=None, max_examples=40)
@given(
    burst=st.integers(1, 20),
    groups=st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=30), min_size=1, max_size=10),
)
def test_at_once_no_more_goes_than_the_burst_and_one_that_is_larger(burst: int, groups: list[list[int]]) -> None:
    limit = fresh(0.0001, burst)

    went = [cost for costs in groups for cost, may in zip(costs, granted(limit, costs), strict=True) if may]

    assert sum(went) <= burst or len(went) == 1


def test_many_threads_together_keep_the_limit_over_every_window() -> None:
    limit = fresh(200, 20)
    begun = time.monotonic()

    def work(_: int) -> list[float]:
        went: list[float] = []
        while time.monotonic() - begun < 1.2:
            before = time.monotonic()
            went += [before] * sum(granted(limit, [1] * 7))
        return went

    with ThreadPoolExecutor(8) as pool:
        went = sorted(moment for moments in pool.map(work, range(8)) for moment in moments)

    late = 0.15  # between asking and the store's clock, on a busy machine
    for start in range(0, len(went), 10):
        for end in range(start, len(went), 10):
            assert end - start + 1 <= 200 * (went[end] - went[start] + late) + 20 + 1
    assert len(went) > 2 * 20  # and it is used, however rarely a busy machine lets the threads ask


WORKER = """
import sys, time
from redis import Redis
from winback import permits
store = Redis.from_url(sys.argv[1])
permits._script = lambda url: script
script = store.register_script(permits._TAKE)
from django.conf import settings
settings.configure(REDIS_URL=sys.argv[1])
limit = permits.Limit(sys.argv[2], 100, 10)
end, went = time.time() + 1.0, 0
while time.time() < end:
    went += sum(permits.take([{limit: 2}] * 5).allowed) * 2
print(went)
"""


def test_many_processes_together_keep_the_limit() -> None:
    key = f"test:{uuid4()}"
    begun = time.monotonic()
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, settings.REDIS_URL, key], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    went = sum(int(worker.communicate(timeout=60)[0]) for worker in workers)

    assert 0 < went <= 100 * (time.monotonic() - begun) + 10


def test_a_connection_is_limited_by_its_settings_and_a_text_by_its_segments(tenant: Tenant) -> None:
    connection = smtp(tenant, "sms", per_second=0.01, per_day=1_000)
    connection.settings["per_second"] = "5"

    assert sum(limits_of(connection, Load(units=3)).values()) == 6
    assert pace(connection, [Load(units=2), Load(units=2), Load(units=2)], now=NOW).allowed == (0, 1)


def test_each_mailbox_provider_has_its_own_limit(tenant: Tenant) -> None:
    connection = smtp(tenant, domain_limits={"gmail.com": 0.01, "oak.shop": 0.01})
    loads = [
        Load(domain) for domain in ("gmail.com", "gmail.com", "googlemail.com", "oak.shop", "oak.shop", "elm.shop")
    ]

    assert pace(connection, loads, now=NOW).allowed == (0, 3, 5)  # googlemail.com is Google’s, too


def test_reserved_names_and_those_who_turn_it_off_have_none(tenant: Tenant) -> None:
    assert limits_of(smtp(tenant), Load("news.example.com")) == {}
    assert limits_of(smtp(tenant, domain_limits=False), Load("gmail.com")) == {}
    assert limits_of(smtp(tenant), Load("gmail.com")) != {}


def test_one_tenants_messages_use_up_nothing_of_anothers(two_tenants: tuple[Tenant, Tenant]) -> None:
    mine, theirs = (smtp(each, per_second=0.01) for each in two_tenants)

    assert pace(mine, [Load(), Load()], now=NOW).allowed == (0,)
    assert pace(theirs, [Load(), Load()], now=NOW).allowed == (0,)


def test_without_the_store_nothing_that_has_a_limit_leaves_and_no_attempt_is_used(
    tenant: Tenant, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = smtp(tenant)
    gone = Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2)
    monkeypatch.setattr(permits, "_script", lambda url: gone.register_script(permits._TAKE))

    turn = pace(connection, [Load("gmail.com"), Load("box.example.com")], now=NOW)

    assert turn.allowed == (1,)
    assert turn.wait_until == NOW + timedelta(minutes=1)


@pytest.mark.usefixtures("catalog")
def test_without_the_store_a_backlog_is_not_claimed_whole_to_be_put_off(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_sender(tenant, per_second=100)
    for _ in range(5):
        make_due(campaign)
    gone = Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2)
    monkeypatch.setattr(permits, "_script", lambda url: gone.register_script(permits._TAKE))
    monkeypatch.setattr(sending, "CLAIM_SIZE", 2)

    assert sending.send_due(tenant, now=NOW)["postponed"] == 2

    states = Counter(Message.objects.for_tenant(tenant).values_list("state", "reason"))
    assert states == {("postponed", "rate_limit"): 2, ("planned", ""): 3}


def test_a_connection_on_trial_lets_five_go(tenant: Tenant) -> None:
    connection = smtp(tenant)
    breaker.pause(connection, reason="down", now=NOW)
    breaker.answered(connection, now=NOW)
    connection.refresh_from_db()

    assert pace(connection, [Load()] * 8, now=NOW).allowed == (0, 1, 2, 3, 4)
    assert pace(connection, [Load()] * 8, now=NOW) == pacing.Pace((), NOW + timedelta(minutes=1))
