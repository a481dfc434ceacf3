"""kill -9 at every instruction between claim and record: 0 duplicates, 0 lost, at most one unknown a killed process.

``python3 manage.py test -m faults`` prints the table.
"""

from uuid import uuid4

import pytest

from campaigns.audience import dormancy
from campaigns.delivery import recovering
from campaigns.operating.planning import plan
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tests.faults import world
from winback.tenancy import acting_for

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

# Where the process dies: every step between the claim and the record of what came back.
POINTS = [
    ("campaigns.delivery.claiming:claim", "after"),
    ("campaigns.delivery.sending:facts_of", "before"),
    ("campaigns.delivery.outbox:begin_hand_over", "before"),
    ("campaigns.delivery.outbox:begin_hand_over", "after"),
    ("campaigns.delivery.intents:IntentFile.starting", "before"),
    ("campaigns.delivery.intents:IntentFile.starting", "after"),
    ("winback.providers.outbox:Outbox.keep", "before"),
    ("winback.providers.outbox:Outbox.keep", "after"),
    ("campaigns.delivery.intents:IntentFile.handed_over", "before"),
    ("campaigns.delivery.intents:IntentFile.handed_over", "after"),
    ("campaigns.delivery.outbox:record_outcomes", "before"),
    ("campaigns.delivery.outbox:record_outcomes", "after"),
    ("campaigns.delivery.outbox:release", "before"),
    ("campaigns.delivery.outbox:release", "after"),
]


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    """Eighty people with a message due, committed."""
    made = world.make_business(f"killed-{uuid4().hex[:8]}", contacts=80, cap=100)
    dormancy.scan(now=world.START, tenant=made)
    with acting_for(made.pk):
        plan(made, now=world.START)
    return made


def expire_leases(tenant: Tenant) -> None:
    """As if the lease of the dead process had run out: minutes of waiting that a test need not spend."""
    with acting_for(tenant.pk):
        Message.objects.for_tenant(tenant).filter(lease_until__isnull=False).update(lease_until=world.START)


@pytest.mark.parametrize(("where", "when"), POINTS)
def test_nothing_is_doubled_or_lost(tenant: Tenant, where: str, when: str, capsys: pytest.CaptureFixture[str]) -> None:
    moment = world.START.isoformat()
    with acting_for(tenant.pk):
        wanted = Message.objects.for_tenant(tenant).filter(state="planned", arm="treated").count()
    killed = unknown_at_most = 0
    for number in (1, 2, 7):
        lived = world.run("send_due", f"--tenant={tenant.slug}", f"--as-of={moment}", dying=(where, when, number))
        killed += not lived
        expire_leases(tenant)
        with acting_for(tenant.pk):
            recovering.recover(tenant.pk, now=world.START)
            unknown_at_most = max(unknown_at_most, Message.objects.for_tenant(tenant).filter(state="unknown").count())

    assert world.run("send_due", f"--tenant={tenant.slug}", f"--as-of={moment}")

    with acting_for(tenant.pk):
        rows = Message.objects.for_tenant(tenant).filter(arm="treated").values_list("pk", "state")
        handed_over = {f"wb-{pk}" for pk, state in rows if state == "handed_over"}
    left = world.outbox(tenant)
    with capsys.disabled():
        print(
            f"\n{where.rpartition(':')[2]:32} {when:6} killed {killed}  sent {len(left):3} of {wanted}  "
            f"twice {len(left) - len(set(left))}  unknown at most {unknown_at_most}",
            end="",
        )
    assert killed
    assert not [name for name in left if "~" in name], "a message left twice"
    assert set(left) == handed_over
    assert len(left) == wanted > 40
    assert unknown_at_most <= killed
