"""Leases, groups and intervals of a test's length, and a clock that begins where the test says. For nurseries alone."""

from datetime import datetime, timedelta

from django.utils import timezone

from campaigns.delivery import claiming, handing_over, outbox, sending
from campaigns.operating import jobs, schedule
from winback.runtime import scheduler

LEASE_SECONDS = 6
START_WITHIN_SECONDS = 3
SMALL, MEDIUM, LARGE = 5, 10, 50


def shorten(group: int) -> None:
    """As in a real installation the lease is longer than a group may start messages, and a share is several claims."""
    for module in (outbox, claiming):
        module.LEASE_SECONDS = LEASE_SECONDS  # type: ignore[attr-defined]
    handing_over.START_WITHIN_SECONDS = START_WITHIN_SECONDS
    handing_over.GROUP_SIZE = group
    sending.CLAIM_SIZE = 4 * group if group == SMALL else 10 * group
    jobs.SHARE = 2 * sending.CLAIM_SIZE if group == SMALL else 4 * sending.CLAIM_SIZE
    scheduler.TICK_SECONDS = 0.5
    # Nothing else of the schedule: looking at the activations again would find that these businesses are made up.
    schedule.REGULAR = (  # type: ignore[assignment]
        schedule.Regular("send", timedelta(seconds=1)),
        schedule.Regular("recover", timedelta(seconds=2)),
    )


def start_clock(moment: str) -> None:
    real = timezone.now
    ahead = datetime.fromisoformat(moment) - real()
    timezone.now = lambda: real() + ahead
