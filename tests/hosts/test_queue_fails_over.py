"""Valkey under Sentinel: its master is killed, the next one cut off, in the middle of thousands of limited messages.

Workers go on without a restart, nothing is lost or doubled, and of a rate limit at most one burst more leaves.
``python3 manage.py test -m hosts`` prints what was seen. Skipped where network namespaces are not permitted.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from itertools import pairwise

import pytest

from tests.faults.short import SMALL
from tests.faults.stage import printed
from tests.hosts.machines import Machines, machines
from tests.hosts.network import why_not
from tests.hosts.test_cut_off import PATIENCE, make_tenants

_WHY_NOT = why_not()
pytestmark = [pytest.mark.hosts, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]
TENANTS, MESSAGES = 3, 3_600
RATE = 15
WINDOW = 10


def busiest(all_of_it: Machines, since: float, until: float) -> int:
    """The most messages of one tenant within ten seconds."""
    rows = all_of_it.stage.query("SELECT 'wb-' || id, tenant_id FROM campaigns_message")
    tenant_of = {str(reference): tenant for reference, tenant in rows}
    moments: defaultdict[object, list[float]] = defaultdict(list)
    for reference, _, at in all_of_it.mail.entries():
        if since <= at < until:
            moments[tenant_of[reference]].append(at)
    return max(
        bisect_left(ordered, at + WINDOW) - place
        for ordered in map(sorted, moments.values())
        for place, at in enumerate(ordered)
    )


def test_the_queues_master_dies_and_the_next_one_is_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    with machines(replicated=False, sentinels=True, group=SMALL) as all_of_it:
        watched = all_of_it.watched
        tenants = make_tenants(all_of_it, MESSAGES, TENANTS, per_second=RATE)
        begun = time.time()
        for place, host in enumerate(all_of_it.working):
            host.work(scheduler=place > 0)
        all_of_it.wait_until_taken(MESSAGES // 4, seconds=PATIENCE)

        first = watched.servers[0].address
        died = time.time()
        watched.server_at(first).kill()
        second, found = watched.wait_for_another_master(first)
        watched.server_at(first).start()  # the sentinels make a replica of it
        all_of_it.wait_until_taken(all_of_it.taken() + MESSAGES // 4, seconds=PATIENCE)

        # It lives on and takes itself for the master; whoever was connected to it gets no answer, not even a no.
        cut = time.time()
        all_of_it.network.cut(watched.host_of(second))
        third, found_again = watched.wait_for_another_master(second)
        all_of_it.wait_until_taken(all_of_it.taken() + MESSAGES // 8, seconds=PATIENCE)
        all_of_it.network.mend(watched.host_of(second))
        all_of_it.wait_until_done(seconds=PATIENCE)
        done = time.time()
        all_of_it.settle(tenants)
        count = all_of_it.stage.count()

        left = sorted(at for _, _, at in all_of_it.mail.entries())
        rows = [
            (name, f"{after:.1f}", f"{_silence(left, since, until):.1f}", busiest(all_of_it, since, until))
            for name, after, since, until in (
                ("before", 0.0, begun, died),
                ("the master killed", found, died, cut),
                ("the next one cut off", found_again, cut, done),
            )
        ]
        with capsys.disabled():
            print(printed(("", "new master after s", "longest silence s", f"most in {WINDOW} s"), rows))
            print(
                f"{len(count.states)} messages in {done - begun:.0f} s at {RATE} a second for each of {TENANTS} "
                f"tenants: {len(count.taken)} taken, {len(count.twice)} twice, {len(count.lost)} lost, "
                f"{len(count.unknown)} unknown; masters {first}, {second}, {third}"
            )
        assert first != second != third
        assert all(host.all_go_on() for host in all_of_it.working), "a worker or scheduler ended"
        count.assert_each_left_once(MESSAGES)
        assert not count.unknown
        # What is granted at once leaves as fast as the provider takes it: a burst before, and one on its way.
        allowed = RATE * WINDOW + 2 * RATE
        assert busiest(all_of_it, begun, died) <= allowed
        assert busiest(all_of_it, begun, done) <= allowed + RATE, "one window more at a failover, not two"


def _silence(left: list[float], since: float, until: float) -> float:
    """The longest time without a message between two moments."""
    moments = [since, *(at for at in left if since < at < until), until]
    return max(after - before for before, after in pairwise(moments))
