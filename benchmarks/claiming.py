"""What it costs to claim messages and to complete them, by the size of a claim, and whether anything is claimed twice.

    .venv/bin/python -m benchmarks.claiming [--messages 10000]

Every guard is asked, hours and caps are kept; nothing is rendered, and no evidence is handed over. Both sizes in one
run, each on a tenant of its own; then four processes on one tenant.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.ground import ROOT, ground, setup, table
from benchmarks.sending import make_business, measured, sink

WORKERS = 4


def claim_all(tenant: Any, size: int) -> list[int]:
    """Claim everything that is due, so many at a time, and complete it; the messages claimed, in their order."""
    from campaigns.compliance.asking import asking_of
    from campaigns.compliance.quiet_hours import Hours
    from campaigns.delivery import claiming, outbox
    from campaigns.delivery.outbox import Outcome
    from campaigns.delivery.sending import sendable_campaigns
    from campaigns.planning.models import Message
    from winback.tenancy import acting_for

    with acting_for(tenant.pk):
        asking, hours = asking_of(sendable_campaigns(tenant)[0], now=NOW), Hours.load(NOW)
    done: list[int] = []
    empty = 0
    while empty < 3:
        with acting_for(tenant.pk):
            claim = claiming.claim(asking, hours=hours, limit=size)
        with acting_for(tenant.pk):
            outcomes = [Outcome(message_id, Message.State.HANDED_OVER) for message_id in claim.message_ids]
            outbox.record_outcomes(tenant.pk, outcomes, claim=claim.token, now=NOW)
        done += claim.message_ids
        empty = 0 if claim.message_ids else empty + 1
    return done


def worker(slug: str, size: str) -> None:
    setup()
    from tenants.accounts.models import Tenant

    print(json.dumps(claim_all(Tenant.objects.select_related("plan", "niche").get(slug=slug), int(size))))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Claim and complete, by the size of a claim")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--worker", nargs=2, metavar=("SLUG", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    number = arguments.messages
    with ground() as home, sink() as port:
        claim_all(make_business("warm", 500, port, home), 500)
        sizes = {size: make_business(f"by-{size}", number, port, home) for size in (500, 5_000)}
        make_business("shared", number, port, home)
        laps = {size: measured(number, lambda size=size: claim_all(sizes[size], size)) for size in sizes}  # type: ignore[misc]
        command = [sys.executable, "-m", "benchmarks.claiming", "--worker", "shared", "500"]
        workers = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ)
            for _ in range(WORKERS)
        ]
        claimed = [message_id for each in workers for message_id in json.loads(each.communicate()[0])]
    rows: list[tuple[str, ...]] = [("claim and complete", "messages/s", "our cpu us", "PostgreSQL's", "ratio", "goal")]
    for size, taken in laps.items():
        ratio = f"{taken.cpu / laps[5_000].cpu:.2f}x" if size == 500 else ""
        cells = (f"{taken.rate:,.0f}", f"{taken.client / number * 1e6:.0f}", f"{taken.server / number * 1e6:.0f}")
        rows.append((f"{size:,} at a time", *cells, ratio, "<= 1.4x" if ratio else ""))
        assert len(taken.notes["answer"]) == number
    twice = len(claimed) - len(set(claimed))
    rows.append(
        (
            f"{WORKERS} processes: claimed twice, or not at all",
            "",
            "",
            "",
            f"{twice}, {number - len(set(claimed))}",
            "0",
        )
    )
    print(table(rows))


if __name__ == "__main__":
    main()
