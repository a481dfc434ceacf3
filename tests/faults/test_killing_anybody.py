"""kill -9 at every instruction between claim and record, whoever dies: nothing leaves twice and nothing is lost.

The sender, the RQ work horse, the RQ worker, its supervisor, Valkey (an empty one comes back) and PostgreSQL.
``python3 manage.py test -m faults`` prints the tables.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import short
from tests.faults.stage import Stage, printed, staged

pytestmark = pytest.mark.faults

MESSAGES = 1_000
# Where somebody dies: every step between the claim and the record of what came back, and the commits between them.
STEPS = [
    ("campaigns.delivery.claiming:claim", "after"),
    ("campaigns.delivery.sending:_send_claim", "before"),
    ("campaigns.delivery.sending:_rendered", "after"),
    ("campaigns.delivery.intents:_directory", "before"),
    ("campaigns.delivery.outbox:begin_hand_over", "before"),
    ("campaigns.delivery.outbox:begin_hand_over", "after"),
    ("campaigns.delivery.routing:Carrier.carry", "before"),
    ("campaigns.delivery.routing:Carrier.carry", "after"),
    ("campaigns.delivery.outbox:record_outcomes", "before"),
    ("campaigns.delivery.outbox:record_outcomes", "after"),
    ("campaigns.delivery.handing_over:_give_back", "before"),
    ("campaigns.delivery.handing_over:_give_back", "after"),
    ("campaigns.delivery.outbox:release", "before"),
    ("campaigns.delivery.outbox:release", "after"),
]
EACH_MESSAGE = [
    ("campaigns.delivery.intents:IntentFile.starting", "before"),
    ("campaigns.delivery.intents:IntentFile.starting", "after"),
    ("campaigns.delivery.intents:IntentFile.handed_over", "before"),
    ("campaigns.delivery.intents:IntentFile.handed_over", "after"),
]
BY_SMTP = [
    ("winback.providers.email.smtp:SmtpProvider._accepted", "after"),
    ("winback.providers.email.smtp:SmtpProvider._delivered", "before"),
    ("winback.providers.email.smtp:_write", "after"),
    ("winback.providers.email.smtp:_read", "after"),
    ("winback.providers.email.smtp:SmtpProvider._delivered", "after"),
]
CLOSING = ("winback.providers.email.smtp:SmtpProvider.close", "before")  # once a claim
BY_OUTBOX = [
    ("winback.providers.outbox:Outbox.keep", "before"),
    ("winback.providers.outbox:os.replace", "before"),
    ("winback.providers.outbox:os.replace", "after"),
    ("winback.providers.outbox:Outbox.keep", "after"),
]
VICTIMS = {
    "sender, to the local outbox": ("send", "self"),
    "sender": ("send", "self"),
    "RQ work horse": ("work", "self"),
    "RQ worker": ("work", "parent"),
    "supervisor of the worker": ("supervise", "grandparent"),
    "Valkey": ("work", "valkey"),
    "PostgreSQL": ("work", "postgres"),
}
ONCE = {"RQ worker", "supervisor of the worker", "Valkey", "PostgreSQL"}
"""They die once at each point, late in a share; whoever sends, also at the first message."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(group=short.SMALL) as made:
        yield made


def run(stage: Stage, tenant: int, role: str, victim: str, where: str, when: str, number: int) -> bool:
    """One process that works for the tenant, with somebody dying at the point; whether somebody did."""
    who: Any = {"valkey": stage.valkey, "postgres": stage.postgres}.get(victim)
    stage.valkey.empty()  # of turns that earlier ones left in line
    token = stage.home / "token"
    token.touch()
    fault = [where, when, number, who.pid if who is not None else victim, str(token)]
    more: dict[str, Any] = {} if role == "send" else {"burst": True}
    pid = stage.nursery.fork(f"tests.faults.roles:{role}", tenant=tenant, fault=fault, **more)
    assert stage.nursery.wait(pid, 60) is not None, f"{role} hangs at {where}"
    stage.nursery.settle()
    stage.settle_servers()
    struck = not token.exists()
    token.unlink(missing_ok=True)
    return struck


@pytest.mark.parametrize("victim", VICTIMS)
def test_whoever_dies_wherever(stage: Stage, victim: str, capsys: pytest.CaptureFixture[str]) -> None:
    role, dies = VICTIMS[victim]
    locally = victim.endswith("outbox")
    host, port = ("", 0) if locally else (stage.mailbox.address, stage.mailbox.port)
    slug = f"shop-{list(VICTIMS).index(victim)}"
    tenant = stage.nursery.call("tests.faults.ground:make", slug=slug, messages=MESSAGES, host=host, port=port)
    first = () if victim in ONCE else (1,)
    points = [(point, number) for point in STEPS for number in (*first, 2)]
    points += [(CLOSING, number) for number in (() if locally else (*first, 2))]
    points += [(point, n) for point in (*EACH_MESSAGE, *(BY_OUTBOX if locally else BY_SMTP)) for n in (*first, 14)]
    rows: dict[tuple[str, str], list[int]] = {}
    for (where, when), number in points:
        before = stage.in_state("unknown")
        struck = run(stage, tenant, role, dies, where, when, number)
        stage.expire_leases()
        stage.nursery.call("tests.faults.ground:recover", tenant=tenant)
        row = rows.setdefault((where.rpartition(":")[2], when), [0, 0])
        row[0] += struck
        row[1] += stage.in_state("unknown") - before
        assert row[1] <= row[0], f"{where} {when} {number}: more than the one message that was leaving is unknown"
    for _ in range(MESSAGES // 40 + 2):
        assert stage.nursery.wait(stage.nursery.fork("tests.faults.roles:send", tenant=tenant)) == 0

    count = stage.count([tenant])
    if locally:
        left = [path.stem for path in (stage.nursery.home / "outbox" / slug).rglob("*") if path.is_file()]
        count.taken.clear()
        count.taken.update(left)
        assert not [name for name in left if "~" in name], "a message left twice"
    with capsys.disabled():
        told = [(*point, killed, unknown) for point, (killed, unknown) in rows.items()]
        print(printed((f"{victim} dies at", "", "killed", "unknown"), told))
        print(
            f"{sum(row[0] for row in rows.values())} killed: {len(count.states)} messages, {len(count.taken)} taken, "
            f"{len(count.twice)} twice, {len(count.lost)} lost, {len(count.unknown)} unknown at the end"
        )
    assert all(row[0] for row in rows.values()), "a point that is never reached proves nothing"
    count.assert_each_left_once(MESSAGES)
    if locally:
        assert not count.unknown, "the outbox can tell, so nothing stays unknown"
