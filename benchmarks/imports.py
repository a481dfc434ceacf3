"""How fast contacts and jobs are imported, as ratios to the bare work, both sides measured in one run.

    .venv/bin/python -m benchmarks.imports [--rows 10000 100000] [--plain] [--jobs-each 7.5]

The bare work is: parse the same file, normalise its cells, COPY them straight into a twin of the table with all of its
indexes (no tenants, no rules, no memory of a kill). ``same rows`` are twins of everything that an import of contacts
writes: the contact, its household, its sums, its consent, its tags, with their foreign keys.
"""

import argparse
import csv
import random
import resource
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.bare_imports import NOW, bare, with_orm
from benchmarks.ground import Lap, ground, lap, table

CONTACTS = [
    "external_id",
    "email",
    "phone",
    "first_name",
    "last_name",
    "city",
    "region",
    "postal_code",
    "country",
    "size",
]
FULL = [*CONTACTS, "address", "tags", "email_consent", "email_consent_at", "email_consent_source"]
JOBS = ["external_id", "contact_external_id", "completed_at", "amount", "service", "status"]


def contact_rows(number: int, *, full: bool) -> Iterator[list[str]]:
    chance = random.Random(number)
    for n in range(number):
        phone = f"({chance.choice((312, 503, 415, 206))}) {chance.randint(200, 999)}-{chance.randint(0, 9_999):04}"
        row = [f"C-{n}", f"Person{n}@Example.com", phone, f"First{n % 997}", f"Last{n % 4_999}", "Springfield", "IL"]
        row += [f"{60_000 + n % 2_000}", "US", str(n % 40)]
        if full:
            row += [f"{n // 2} Oak Street", "vip" if n % 10 == 0 else "", "yes" if n % 3 else ""]
            row += ["2025-01-02T10:00:00" if n % 3 else "", "web form" if n % 3 else ""]
        yield row


def job_rows(number: int, contacts: int, *, first: int = 0) -> Iterator[list[str]]:
    """In the order of their time, as a booking system writes them: one contact's jobs lie far apart."""
    chance = random.Random(number + first)
    for n in range(first, first + number):
        day = (n - first) * 900 // number
        when = f"{2024 + day // 336}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}T10:00:00"
        yield [f"J-{n}", f"C-{chance.randrange(contacts)}", when, f"{n % 900}.50", "Tune-up", "completed"]


def write(path: Path, header: list[str], rows: Iterator[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def make_tenant(slug: str) -> Any:
    from tenants.accounts.models import Brand, Tenant

    tenant = Tenant.objects.create(
        slug=slug, niche_id="hvac", plan_id="enterprise", name=slug, timezone="America/Chicago", country="US",
        region="IL", currency="USD", sandbox=True, created_at=NOW,
    )  # fmt: skip
    from winback.tenancy import acting_for

    with acting_for(tenant.pk):
        Brand.objects.create(tenant=tenant, name=slug)
    return tenant


def take(kind: str, tenant: Any, path: Path, rows: int, *, now: datetime = NOW) -> Lap:
    from campaigns.audience.importing import import_file
    from campaigns.audience.importing_contacts import Contacts
    from campaigns.audience.importing_jobs import Jobs

    with lap(rows) as taken:
        report = import_file(Contacts() if kind == "contacts" else Jobs(), tenant, path, now=now)
    taken.notes = {"created": report.created, "updated": report.updated, "rejected": report.rejected}
    return taken


def without_sums(work: Callable[[], Lap]) -> Lap:
    from campaigns.audience import stats

    with (
        mock.patch.object(stats, "recompute_touched", return_value=0),
        mock.patch.object(stats, "recompute_all", return_value=0),
    ):
        return work()


def wrong_sums(tenant: Any) -> int:
    from django.db import connection

    from campaigns.audience import stats
    from winback.tenancy import acting_for

    with acting_for(tenant.pk), connection.cursor() as cursor:
        return stats.recompute_all(cursor, tenant.pk)


def show(what: str, taken: Lap, against: Lap | None = None, goal: str = "") -> tuple[str, ...]:
    ratio = f"{taken.cpu / against.cpu:.2f}x" if against else ""
    wall = f"{taken.wall / taken.rows / (against.wall / against.rows):.2f}x" if against else ""
    line = (
        what, f"{taken.rows:,}", f"{taken.rate:,.0f}", f"{taken.cpu:.1f}", f"{taken.client / taken.rows * 1e6:.1f}",
        f"{taken.wal / taken.rows:,.0f}", ratio, wall, goal,
    )  # fmt: skip
    print(" | ".join(line), file=sys.stderr, flush=True)  # at once: at a million rows the table is far away
    return line


HEAD = ("what", "rows", "rows/s", "cpu us/row", "of it ours", "WAL B/row", "cpu ratio", "wall ratio", "goal")


def measure(size: int, home: Path, *, plain_alone: bool, jobs_each: float) -> list[tuple[str, ...]]:
    """All comparisons at one size; ``plain_alone`` leaves out the ORM, and contacts with addresses and consent."""
    lines = []
    for full in (False,) if plain_alone else (False, True):
        name = "with address, tags, consent" if full else "plain"
        path = write(home / f"contacts{size}{full}.csv", FULL if full else CONTACTS, contact_rows(size, full=full))
        tenant = make_tenant(f"import-{size}-{full}".lower())
        base = bare(path, size, tenant, same_rows=False)
        same = bare(path, size, tenant, same_rows=True)
        ours = take("contacts", tenant, path, size)
        again = take("contacts", tenant, path, size)
        lines += [
            show(f"contacts ({name}): bare COPY", base),
            show("… bare COPY of the same rows", same, base),
            show("… import_contacts to bare COPY", ours, base, "<= 1.8x" if not full else ""),
            show("… import_contacts to the same rows", ours, same),
            show("… the same file again to the first time", again, ours, "<= 0.6x, <= 5 B"),
        ]
        if not full:
            plain = tenant
            if not plain_alone:
                orm = with_orm(path, size, make_tenant(f"orm-{size}"))
                lines.append(show("… import_contacts to bulk_create", ours, orm, "rows/s >= 3.5x (wall <= 0.29x)"))
    jobs = int(size * jobs_each)
    path = write(home / f"jobs{size}.csv", JOBS, job_rows(jobs, size))
    twin = make_tenant(f"twin-{size}")
    take("contacts", twin, home / f"contacts{size}False.csv", size)
    without = without_sums(lambda: take("jobs", twin, path, jobs))
    with_them = take("jobs", plain, path, jobs)
    wrong = wrong_sums(plain)
    wrong_sums(twin)
    feed = max(size // 10, 1_000)
    more = write(home / f"more{size}.csv", JOBS, job_rows(feed, size, first=jobs))
    feed_without = without_sums(lambda: take("jobs", twin, more, feed))
    feed_with = take("jobs", plain, more, feed)
    lines += [
        show("jobs, first load without sums", without),
        show("… with sums", with_them, without, "<= 1.25x"),
        show("jobs, a feed without sums", feed_without),
        show("… with sums", feed_with, feed_without, "<= 2.2x"),
        show("… the same file again to the first time", take("jobs", plain, path, jobs), with_them, "<= 0.6x, <= 5 B"),
    ]
    print(f"sums that a full recompute finds wrong: {wrong} after the load, {wrong_sums(plain)} after the feed")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Ratios of importing to the bare work")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="contacts")
    parser.add_argument("--jobs-each", type=float, default=7.5)
    parser.add_argument("--plain", action="store_true", help="without the ORM and without consent: a third of the time")
    arguments = parser.parse_args()
    with ground() as home:
        for size in arguments.rows:
            lines = measure(size, home, plain_alone=arguments.plain, jobs_each=arguments.jobs_each)
            print(table([HEAD, *lines]), flush=True)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"peak memory of this process so far: {peak:,.0f} MB (the bare side keeps rows: not only ours)\n")


if __name__ == "__main__":
    main()
