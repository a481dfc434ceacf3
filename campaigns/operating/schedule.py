"""The regular work: what is due is a row in PostgreSQL, one elected scheduler looks, RQ workers do it.

Two schedulers, a lost queue or a clock set back change nothing: a task is taken by moving its due time in one
conditional update, and every deed is safe to run twice. A due time further ahead than two intervals was written by a
clock that was wrong: such a task is due, or it would stand still until that day.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Q, Value

from campaigns.operating import jobs
from campaigns.operating.models import ScheduledTask
from winback.queues import enqueue


@dataclass(frozen=True)
class Regular:
    """A piece of work and how often it is done."""

    code: str
    every: timedelta


REGULAR = (
    Regular("apply", timedelta(minutes=1)),
    Regular("send", timedelta(seconds=20)),
    Regular("webhooks", timedelta(seconds=20)),
    Regular("recover", timedelta(minutes=1)),
    Regular("connections", timedelta(minutes=2)),
    Regular("erasures", timedelta(minutes=5)),
    Regular("plan", timedelta(minutes=5)),
    Regular("attribute", timedelta(minutes=5)),
    Regular("scan", timedelta(hours=1)),
    Regular("bounces", timedelta(minutes=5)),
    Regular("reputation", timedelta(minutes=15)),
    Regular("activations", timedelta(minutes=30)),
    Regular("full_scan", timedelta(days=7)),
    Regular("partitions", timedelta(days=1)),
    Regular("tidy_answers", timedelta(days=1)),
    Regular("tidy_inbox", timedelta(days=1)),
    Regular("tidy_webhooks", timedelta(days=1)),
)


_TWO_INTERVALS = ExpressionWrapper(F("every_seconds") * timedelta(seconds=2), output_field=DurationField())


def tick(*, now: datetime) -> list[str]:
    """Hand what is due to the workers; returns the codes. Called every few seconds by the elected scheduler."""
    for regular in REGULAR:
        ScheduledTask.objects.get_or_create(
            code=regular.code,
            defaults={"every_seconds": int(regular.every.total_seconds()), "next_due_at": now},
        )
    started = []
    due = Q(next_due_at__lte=now) | Q(next_due_at__gt=Value(now) + _TWO_INTERVALS)
    for task in ScheduledTask.objects.filter(due).order_by("next_due_at", "code"):
        taken = ScheduledTask.objects.filter(pk=task.pk, next_due_at=task.next_due_at).update(
            next_due_at=now + timedelta(seconds=task.every_seconds), last_started_at=now
        )
        if taken:
            enqueue(jobs.run_regular, tenant_id=None, unique=f"regular-{task.code}", code=task.code)
            started.append(task.code)
    return started
