"""What Prometheus reads: a handful of gauges in its text format, counted over all tenants and naming none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError
from rq import Worker

from campaigns.operating.models import ScheduledTask
from campaigns.planning.models import Message
from campaigns.tracking import refusals
from winback.queues import QUEUES, get_queue
from winback.tenancy import acting_for_all

MESSAGES = "SELECT state, count(*) FROM campaigns_message GROUP BY state"
MESSAGES_SECONDS = 300
"""How old that may be: it reads every message there is, and Prometheus asks four times a minute."""

# The partial index of what stands in line answers this without looking at a message that has left.
BACKLOG = """
SELECT count(*), coalesce(extract(epoch FROM %(now)s - min(due_at)), 0)::float8
  FROM campaigns_message
 WHERE queue = 'due' AND due_at <= %(now)s
"""


INBOX = """
SELECT count(*), coalesce(extract(epoch FROM %(now)s - min(received_at)), 0)::float8
  FROM campaigns_inboxitem WHERE state = 'waiting'
"""
UNREADABLE = "SELECT count(*) FROM campaigns_inboxitem WHERE state = 'unreadable'"


WEBHOOKS = """
SELECT (SELECT count(*) FROM tenants_webhookendpoint WHERE state = 'active'),
       (SELECT count(*) FROM tenants_webhookendpoint WHERE state = 'active' AND failing_since IS NOT NULL),
       count(*), coalesce(extract(epoch FROM %(now)s - min(d.next_try_at)), 0)::float8
  FROM tenants_webhookendpoint w
  JOIN tenants_webhookdelivery d ON d.tenant_id = w.tenant_id AND d.endpoint_id = w.id
 WHERE w.state = 'active' AND d.state = 'waiting' AND d.next_try_at <= %(now)s
"""


@dataclass(frozen=True)
class Gauge:
    """One measured quantity, with a value for each set of labels."""

    name: str
    meaning: str
    values: Mapping[tuple[tuple[str, str], ...], float]

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self.name} {self.meaning}"
        yield f"# TYPE {self.name} gauge"
        for labels, value in self.values.items():
            written = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            yield f"{self.name}{{{written}}} {value:g}" if written else f"{self.name} {value:g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def text(*, now: datetime) -> str:
    """Every gauge, as Prometheus reads it."""
    gauges = [*_of_messages(now), *_of_inbox(now), *_of_webhooks(now), *_of_tasks(now), *_of_queue()]
    return "".join(f"{line}\n" for gauge in gauges for line in gauge.lines())


def _of_messages(now: datetime) -> list[Gauge]:
    counted: dict[str, int] = cache.get_or_set("winback:messages-by-state", _by_state, MESSAGES_SECONDS) or {}
    with acting_for_all("metrics"), connection.cursor() as cursor:
        cursor.execute(BACKLOG, {"now": now})
        waiting, age = cursor.fetchone()
    return [
        # Every state every time: an alarm on one that has no messages yet must not be an alarm on nothing.
        Gauge(
            "winback_messages",
            "Messages by state, counted within the last five minutes.",
            {(("state", str(state)),): counted.get(str(state), 0) for state in Message.State},
        ),
        Gauge("winback_due_messages", "Messages that are due and not sent yet.", {(): waiting}),
        Gauge("winback_due_oldest_seconds", "How long the oldest due message has waited.", {(): age}),
    ]


def _by_state() -> dict[str, int]:
    with acting_for_all("metrics"), connection.cursor() as cursor:
        cursor.execute(MESSAGES)
        return dict(cursor.fetchall())


def _of_inbox(now: datetime) -> list[Gauge]:
    with acting_for_all("metrics"), connection.cursor() as cursor:
        cursor.execute(INBOX, {"now": now})
        waiting, age = cursor.fetchone()
        cursor.execute(UNREADABLE)
        (unreadable,) = cursor.fetchone()
    return [
        Gauge("winback_inbox_waiting", "Provider reports that are not applied yet.", {(): waiting}),
        Gauge("winback_inbox_oldest_seconds", "How long the oldest of them has waited.", {(): age}),
        Gauge("winback_inbox_unreadable", "Provider reports that could not be read.", {(): unreadable}),
        Gauge(
            "winback_webhooks_refused_today",
            "Requests at true webhook addresses that did not show who sent them, since midnight UTC.",
            {(): refusals.today(now=now)},
        ),
    ]


def _of_webhooks(now: datetime) -> list[Gauge]:
    with acting_for_all("metrics"), connection.cursor() as cursor:
        cursor.execute(WEBHOOKS, {"now": now})
        endpoints, failing, waiting, age = cursor.fetchone()
    return [
        Gauge("winback_webhook_endpoints", "Endpoints of tenants that are in use.", {(): endpoints}),
        Gauge("winback_webhook_endpoints_failing", "Those of them at which nothing arrives now.", {(): failing}),
        Gauge("winback_webhooks_due", "Deliveries that are due and not sent yet.", {(): waiting}),
        Gauge("winback_webhooks_oldest_seconds", "How long the oldest of them has waited.", {(): age}),
    ]


def _of_tasks(now: datetime) -> list[Gauge]:
    tasks = list(ScheduledTask.objects.order_by("code"))
    ages = {task.code: now - task.last_finished_at for task in tasks if task.last_finished_at is not None}
    return [
        Gauge(
            "winback_task_age_seconds",
            "Time since a piece of regular work last finished.",
            {(("task", code),): age.total_seconds() for code, age in ages.items()},
        ),
        Gauge(
            "winback_task_interval_seconds",
            "How often that work is meant to be done.",
            {(("task", task.code),): task.every_seconds for task in tasks},
        ),
        Gauge(
            "winback_task_failed",
            "1 when the last run of that work ended with an error.",
            {(("task", task.code),): int(bool(task.last_error)) for task in tasks},
        ),
    ]


def _of_queue() -> list[Gauge]:
    waiting: dict[tuple[tuple[str, str], ...], float] = {}
    workers: dict[tuple[tuple[str, str], ...], float] = {}
    try:
        for name in QUEUES:
            queue = get_queue(name)
            waiting[(("queue", name),)] = queue.count
            workers[(("queue", name),)] = Worker.count(queue=queue)
        up = 1
    except RedisError:
        up = 0
    return [
        Gauge("winback_queue_up", "1 when Redis or Valkey answers.", {(): up}),
        Gauge("winback_queue_jobs", "Jobs that wait for a worker.", waiting),
        Gauge("winback_workers", "Workers that listen to the queue.", workers),
    ]
