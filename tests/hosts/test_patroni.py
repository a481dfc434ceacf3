"""The database's leader under Patroni dies in the middle of thousands of messages, and another one leads by itself.

``WINBACK_PATRONI=/opt/patroni/bin/patroni python3 manage.py test -m hosts`` prints what was seen (managed.py says how
to install it). Skipped without it, and where network namespaces are not permitted.
"""

import time

import pytest

from tests.hosts.machines import WORKING, machines
from tests.hosts.managed import TTL_SECONDS, patroni
from tests.hosts.network import why_not
from tests.hosts.test_cut_off import PATIENCE, make_tenants

_WHY_NOT = why_not() or ("" if patroni() else "WINBACK_PATRONI does not name a Patroni (tests/hosts/managed.py)")
pytestmark = [pytest.mark.hosts, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]
MESSAGES = 4_000


def test_the_leader_dies_and_another_one_leads_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with machines(managed=True) as all_of_it:
        stage, cluster = all_of_it.stage, all_of_it.cluster
        tenants = make_tenants(all_of_it, MESSAGES, tenants=4)
        for place, host in enumerate(all_of_it.working):
            host.work(scheduler=place > 0)
        all_of_it.wait_until_taken(MESSAGES // 4, seconds=PATIENCE)

        dead = cluster.leader()
        gone = time.time()
        dead.kill()
        stage.postgres = cluster.leader(other_than=dead)
        promoted = time.time() - gone
        all_of_it.wait_until_done(seconds=PATIENCE)
        all_of_it.settle(tenants)
        all_of_it.wait_until_done(seconds=PATIENCE)
        count = stage.count()

        left = sorted(at for _, _, at in all_of_it.mail.entries() if at > gone + promoted)
        with capsys.disabled():
            print(
                f"\n{len(count.states)} messages, {len(count.taken)} taken, {len(count.twice)} twice, "
                f"{len(count.lost)} lost, {len(count.unknown)} unknown. Patroni promoted after {promoted:.1f} s "
                f"(ttl {TTL_SECONDS} s), sending again after {left[0] - gone:.1f} s."
            )
        count.assert_each_left_once(MESSAGES)
        assert len(count.unknown) <= WORKING
