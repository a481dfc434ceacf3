"""enqueue(): the one door to RQ. PostgreSQL is the queue of record; the schedule finds again what is lost here."""

import importlib
import logging
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.job import JobStatus

from winback import sentinels
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

REPLIES = "replies"
"""What people said to us: a stop must count before anything else is done."""
AWAITED = "awaited"
"""What a person sits and waits for, such as a probe or a test: short, and never behind an import."""
DEFAULT = "default"
QUEUES = (REPLIES, AWAITED, DEFAULT)
"""In the order in which a worker takes from them."""
SHORT = (REPLIES, AWAITED)
"""Those of which no job is long: a worker of their own never lets them wait for one that is."""
KEEP_FAILED_SECONDS = 7 * 86_400
WAITING = frozenset({JobStatus.QUEUED, JobStatus.STARTED, JobStatus.DEFERRED, JobStatus.SCHEDULED, JobStatus.CREATED})


def enqueue(
    job: Callable[..., object],
    /,
    *,
    tenant_id: int | None = None,
    unique: str | None = None,
    queue: str = DEFAULT,
    **ids: Any,
) -> None:
    """Have a worker call ``job(**ids)`` once the present transaction is committed, acting for the tenant that is named.

    ``unique`` keeps a second copy from waiting beside the first. A queue that is down is logged and forgotten: nothing
    may depend on a job having been enqueued.
    """
    path = f"{job.__module__}.{job.__qualname__}"
    transaction.on_commit(partial(_push, path, tenant_id, unique, queue, ids))


def _push(path: str, tenant_id: int | None, unique: str | None, queue: str, ids: dict[str, Any]) -> None:
    try:
        waiting = get_queue(queue)
        push = partial(
            waiting.enqueue,
            run,
            kwargs={"path": path, "tenant_id": tenant_id, "ids": ids},
            result_ttl=0,
            failure_ttl=KEEP_FAILED_SECONDS,
        )
        if unique is None:
            push()
        elif not _push_once(push, unique) and _clear_ended(waiting, unique):
            _push_once(push, unique)
    except RedisError:
        logger.warning("The queue is down: job %s waits for the next tick of the schedule.", path)


def get_queue(name: str) -> Queue:
    """The queue of this name, for whoever puts something in or looks how much waits."""
    # The commit has happened already where this is used.
    return django_rq.get_queue(name, commit_mode="auto", connection=_connection(settings.REDIS_URL))


@cache
def _connection(url: str) -> Redis:
    """A connection that finds out soon that the queue is down: nobody waits for it, the schedule comes round again."""
    return sentinels.client(url, retry=Retry(ConstantBackoff(0.1), retries=1))


def _push_once(push: Callable[..., object], unique: str) -> bool:
    """Whether it was pushed; not when a copy, or what is kept of a failed one, is there."""
    try:
        push(job_id=unique, unique=True)
    except DuplicateJobError:
        return False
    return True


def _clear_ended(queue: Queue, unique: str) -> bool:
    """Forget a copy that is over: RQ keeps a failed job under its name, where it would bar the next one for days."""
    job = queue.fetch_job(unique)
    if job is None:
        return True
    if job.get_status(refresh=True) in WAITING:
        logger.debug("Job %s already waits.", unique)
        return False
    job.delete()
    return True


def run(*, path: str, tenant_id: int | None, ids: dict[str, Any]) -> None:
    """What a worker runs: the job, acting for its tenant."""
    module, name = path.rsplit(".", 1)
    job = getattr(importlib.import_module(module), name)
    if tenant_id is None:
        job(**ids)
        return
    with acting_for(tenant_id):
        job(**ids)
