"""Three hosts send fifty thousand messages; one is cut off and comes back, one is killed: each message leaves once.

``python3 manage.py test -m hosts`` prints what was seen. Skipped where network namespaces are not permitted.
"""

import os
import time

import pytest

from tests.faults.short import LARGE, LEASE_SECONDS, START_WITHIN_SECONDS
from tests.faults.stage import printed
from tests.hosts.machines import Machines, Working, machines
from tests.hosts.network import why_not

_WHY_NOT = why_not()
pytestmark = [pytest.mark.hosts, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]

TENANTS = 10
MESSAGES = int(os.environ.get("WINBACK_HOSTS_MESSAGES") or 50_000)
PATIENCE = 1_200
BACK_WITHIN_SECONDS = 60


def make_tenants(all_of_it: Machines, messages: int, tenants: int = TENANTS, per_second: int = 0) -> list[int]:
    where = {"host": all_of_it.mail.address, "port": all_of_it.mail.port, "per_second": per_second}
    where["messages"] = messages // tenants
    make = all_of_it.stage.nursery.call
    return [make("tests.faults.ground:make", slug=f"shop-{number}", **where) for number in range(tenants)]


def taken_from(all_of_it: Machines, peer: str) -> int:
    return sum(of == peer for _, of, _ in all_of_it.mail.entries())


def in_the_middle_of_a_group(all_of_it: Machines, host: Working) -> None:
    """Wait until the host has one under way that takes it seconds."""
    all_of_it.mail.slow_for(host.host.outer, slow=True)
    before = taken_from(all_of_it, host.host.outer)
    while taken_from(all_of_it, host.host.outer) < before + 2:
        time.sleep(0.01)


def unknown_at_last(all_of_it: Machines) -> int:
    """How many stay unknown: a host whose link was down hears of its return only when it tries again by itself."""
    end = time.time() + BACK_WITHIN_SECONDS
    while (number := all_of_it.stage.in_state("unknown")) > 1 and time.time() < end:
        time.sleep(0.5)
    return number


def test_a_host_is_cut_off_and_another_one_killed(capsys: pytest.CaptureFixture[str]) -> None:
    with machines(replicated=False) as all_of_it:
        tenants = make_tenants(all_of_it, MESSAGES)
        cut_off, killed, _ = all_of_it.working
        begun = time.time()
        for place, host in enumerate(all_of_it.working):
            host.work(scheduler=place > 0)  # on two hosts: one of them dies
        all_of_it.wait_until_taken(MESSAGES // 5, seconds=PATIENCE)

        # Its way to the mail server stays open, and a message takes it a second: only its clock can stop it.
        in_the_middle_of_a_group(all_of_it, cut_off)
        cut = time.time()
        all_of_it.network.cut(cut_off.host)
        time.sleep(2 * LEASE_SECONDS + 3)
        all_of_it.network.mend(cut_off.host)
        back = time.time()
        all_of_it.mail.slow_for(cut_off.host.outer, slow=False)
        all_of_it.wait_until_taken(3 * MESSAGES // 5, seconds=PATIENCE)
        unknown_of_cut_off = unknown_at_last(all_of_it)

        in_the_middle_of_a_group(all_of_it, killed)
        died = time.time()
        killed.die()
        all_of_it.wait_until_done(seconds=PATIENCE)
        done = time.time()
        unknown_before = all_of_it.stage.in_state("unknown")
        assert not [at for _, peer, at in all_of_it.mail.entries() if peer == killed.host.outer and at > died + 1]
        all_of_it.mail.slow_for(killed.host.outer, slow=False)
        killed.boot()
        all_of_it.settle(tenants)
        all_of_it.wait_until_done(seconds=PATIENCE)
        count = all_of_it.stage.count()

        moments = [at for _, peer, at in all_of_it.mail.entries() if peer == cut_off.host.outer and cut < at < back]
        alone = [(name, *(f"{all_of_it.rate(since, until, of=host.host.outer):.0f}" for host in all_of_it.working),
                  f"{all_of_it.rate(since, until):.0f}")
                 for name, since, until in (("all three", begun, cut), ("one cut off", cut, back),
                                            ("back again", back, died), ("one dead", died, done))]  # fmt: skip
        with capsys.disabled():
            print(printed(("messages a second", "host 1", "host 2", "host 3", "all"), alone))
            last = max(moments, default=cut) - cut
            print(
                f"{len(count.states)} messages in {done - begun:.0f} s, {len(count.taken)} taken, {len(count.twice)} "
                f"twice, {len(count.lost)} lost; {unknown_of_cut_off} unknown after the cut, {unknown_before} after "
                f"the death, {len(count.unknown)} when its host was back. The host that was cut off started "
                f"its last message after {last:.1f} s; its lease was {LEASE_SECONDS} s."
            )
        count.assert_each_left_once(MESSAGES)
        assert all(at - cut < START_WITHIN_SECONDS + 1.5 for at in moments), "it went on starting messages"
        assert unknown_of_cut_off <= 1, "of the one that was cut off, the message that was leaving at most"
        # None, where the machine was so busy that it died between two groups.
        assert unknown_before <= 1 + LARGE, "of the dead one nobody has the journal: the whole group"
        assert len(count.unknown) <= 2, "when it is back, its journal knows all but the one in between"
        assert all_of_it.rate(cut, back) > 0.3 * all_of_it.rate(begun, cut)
