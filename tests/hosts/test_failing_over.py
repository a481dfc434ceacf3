"""The database's host dies and its standby takes over, the queue comes back empty: no committed hand-over is lost.

``python3 manage.py test -m hosts`` prints what was seen. Skipped where network namespaces are not permitted.
"""

import time

import pytest

from tests.hosts.machines import WORKING, machines
from tests.hosts.network import why_not
from tests.hosts.test_cut_off import PATIENCE, make_tenants

_WHY_NOT = why_not()
pytestmark = [pytest.mark.hosts, pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)]
MESSAGES = 6_000


def test_the_standby_takes_over_and_the_queue_comes_back_empty(capsys: pytest.CaptureFixture[str]) -> None:
    with machines(replicated=True) as all_of_it:
        stage = all_of_it.stage
        tenants = make_tenants(all_of_it, MESSAGES, tenants=4)
        for place, host in enumerate(all_of_it.working):
            host.work(scheduler=place > 0)
        all_of_it.wait_until_taken(MESSAGES // 4, seconds=PATIENCE)

        stage.valkey.kill()
        time.sleep(1)
        stage.valkey.start()
        all_of_it.wait_until_taken(MESSAGES // 2, seconds=PATIENCE)

        gone = time.time()
        stage.postgres.kill()
        all_of_it.network.cut(all_of_it.network.hosts[WORKING])  # the whole host; it must not come back as a primary
        all_of_it.standby.promote()
        promoted = time.time() - gone
        primary, stage.postgres = stage.postgres, all_of_it.standby
        assert not primary.lives
        stage.valkey.kill()  # it was on the same host; an empty one is started where the workers look for it
        all_of_it.network.mend(all_of_it.network.hosts[WORKING])
        stage.valkey.start()
        all_of_it.wait_until_done(seconds=PATIENCE)
        all_of_it.settle(tenants)
        all_of_it.wait_until_done(seconds=PATIENCE)
        count = stage.count()

        left = sorted(at for _, _, at in all_of_it.mail.entries() if at > gone + promoted)
        with capsys.disabled():
            print(
                f"\n{len(count.states)} messages, {len(count.taken)} taken, {len(count.twice)} twice, "
                f"{len(count.lost)} lost, {len(count.unknown)} unknown. Promoted after {promoted:.1f} s, sending "
                f"again after {left[0] - gone:.1f} s."
            )
        count.assert_each_left_once(MESSAGES)
        assert len(count.unknown) <= WORKING
