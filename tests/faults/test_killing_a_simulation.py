"""A simulation that is killed anywhere and run again ends as the one that nobody touched."""

from uuid import uuid4

import pytest

from tenants.accounts.models import Tenant
from tests.faults import world

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

DEATHS = [
    ("campaigns.audience.dormancy:scan", "after", 3),
    ("campaigns.operating.planning:plan", "after", 2),
    ("campaigns.delivery.claiming:claim", "after", 4),
    ("winback.providers.outbox:Outbox.keep", "after", 9),
    ("campaigns.delivery.outbox:record_outcomes", "before", 5),
    ("campaigns.results.attributing:attribute", "before", 3),
    ("campaigns.results.attributing:attribute", "after", 6),
]


def simulate(tenant: Tenant, dying: tuple[str, str, int] | None = None) -> bool:
    return world.run("simulate", f"--tenant={tenant.slug}", "--from=2026-03-02", "--to=2026-04-20", dying=dying)


def test_killed_anywhere_and_run_again_the_result_is_the_same(transactional_db: None) -> None:
    untouched = world.make_business(f"untouched-{uuid4().hex[:8]}", contacts=40, cap=6)
    killed = world.make_business(f"killed-{uuid4().hex[:8]}", contacts=40, cap=6)
    assert simulate(untouched)

    deaths = sum(not simulate(killed, dying) for dying in DEATHS)
    assert simulate(killed)

    assert deaths == len(DEATHS)
    assert world.what_became(killed) == world.what_became(untouched)
    left = world.outbox(killed)
    assert len(left) == len(world.outbox(untouched)) > 20
    assert not [name for name in left if "~" in name]
