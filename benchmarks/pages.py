"""How long the console's pages take for a large business: each page that its owner can open, by its own address.

    .venv/bin/python -m benchmarks.pages [--contacts 100000] [--times 15]

The goal is a 95th percentile below 500 ms at 100,000 contacts with three jobs each, thousands of them enrolled and
written to. Measured through Django's own client: middleware, queries, templates; no network. Pages are
shown slowest first, with the ratio to the goal and what of it PostgreSQL took.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.ground import ground, table
from benchmarks.imports import take, write
from benchmarks.sending import CONTACTS, JOBS

GOAL_MS = 500.0
ENROLLED = 5_000


def make_business(contacts: int, home: Path) -> Any:
    """A tenant with three years of jobs, scanned, planned and written to through the local outbox."""
    from campaigns.audience import dormancy
    from campaigns.delivery.sending import send_due
    from campaigns.operating.planning import plan
    from tenants.connections.connecting import connect
    from tests import factories
    from winback.tenancy import acting_for, acting_for_all

    with acting_for_all("benchmark"):
        tenant = factories.make_tenant("large", plan="enterprise", sandbox=True)
    with acting_for(tenant.pk):
        connect(tenant, kind="email", provider="local", now=NOW, actor="benchmark")
        factories.make_activation(tenant, settings={"daily_enrolment_cap": ENROLLED, "channels": ["email"]})
    take("contacts", tenant, write(home / "contacts.csv", CONTACTS, people(contacts)), contacts)
    take("jobs", tenant, write(home / "jobs.csv", JOBS, work(contacts)), 3 * contacts)
    dormancy.scan(now=NOW, tenant=tenant)
    with acting_for(tenant.pk):
        planned = plan(tenant, now=NOW)
    print(planned, send_due(tenant, now=NOW), file=sys.stderr)
    return tenant


def people(number: int) -> Iterator[list[str]]:
    for n in range(number):
        yield [f"C-{n}", f"p{n}@example.com", f"First{n % 997}", f"Last{n % 4_999}", "IL", "US", "yes", "2025-01-02"]


def work(contacts: int) -> Iterator[list[str]]:
    chance = random.Random(contacts)
    for n in range(3 * contacts):
        at = NOW - timedelta(minutes=chance.randrange(3 * 365 * 1_440))
        yield [f"J-{n}", f"C-{n % contacts}", at.isoformat(), f"{50 + n % 400}.00", "Furnace tune-up"]


def owner_of(tenant: Any) -> Any:
    from tests.console import furnishing
    from winback.tenancy import acting_for

    with acting_for(tenant.pk):
        return furnishing.member(tenant, "owner")


def measure(tenant: Any, times: int) -> list[tuple[str, float, float, float, int]]:
    """Of each page: its address, median and 95th percentile, PostgreSQL's share of the median (ms), statements."""
    from django.core.cache import cache
    from django.db import connection
    from django.test import Client

    from campaigns.planning.models import Variant
    from tests.browser.pages import pages_of
    from winback.tenancy import acting_for

    person = owner_of(tenant)
    client = Client()
    client.force_login(person)
    found = []
    with acting_for(tenant.pk):
        variant = Variant.objects.for_tenant(tenant).filter(channel="email")[0].pk
    for path in pages_of(tenant, person, variant=variant):
        walls: list[float] = []
        waits: list[float] = []
        statements = 0
        for _ in range(times + 1):
            spent: list[float] = []

            def timer(execute: Any, *arguments: Any, spent: list[float] = spent) -> Any:
                began = time.perf_counter()
                try:
                    return execute(*arguments)
                finally:
                    spent.append(time.perf_counter() - began)

            cache.clear()  # as for the first who looks
            began = time.perf_counter()
            with connection.execute_wrapper(timer):
                client.get(path)
            walls.append((time.perf_counter() - began) * 1e3)
            waits.append(sum(spent) * 1e3)
            statements = len(spent)
        walls, waits = walls[1:], waits[1:]  # the first one compiles the templates
        found.append((path, median(walls), quantiles(walls, n=20)[-1], median(waits), statements))
    return sorted(found, key=lambda each: -each[2])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How long the console's pages take")
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15)
    arguments = parser.parse_args()
    with ground() as home:
        from django.test import override_settings

        tenant = make_business(arguments.contacts, home)
        with override_settings(ALLOWED_HOSTS=["testserver"]):
            rows = measure(tenant, arguments.times)
        head = ("page", "median ms", "p95 ms", "of it PostgreSQL", "statements", "p95 to the goal")
        lines = [
            (path, f"{middle:,.0f}", f"{slow:,.0f}", f"{waits:,.0f}", str(number), f"{slow / GOAL_MS:.2f}x")
            for path, middle, slow, waits, number in rows
        ]
        print(table([head, *lines]))
        print(f"{sum(slow > GOAL_MS for _, _, slow, _, _ in rows)} of {len(rows)} pages over {GOAL_MS:,.0f} ms")


if __name__ == "__main__":
    main()
