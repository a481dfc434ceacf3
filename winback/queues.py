"""enqueue(): the one door to RQ. PostgreSQL is the queue of record; the schedule finds again what is lost here."""

import importlib
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import django_rq
from django.db import transaction
from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError

from winback.tenancy import acting_for

logger = logging.getLogger(__name__)


def enqueue(
    job: Callable[..., object],
    /,
    *,
    tenant_id: int | None = None,
    unique: str | None = None,
    queue: str = "default",
    **ids: Any,
) -> None:
    """Have a worker call ``job(**ids)`` once the present transaction is committed, acting for the tenant that is named.

    ``unique`` keeps a second copy from waiting beside the first. A queue that is down is logged and forgotten: nothing
    may depend on a job having been enqueued.
    """
    path = f"{job.__module__}.{job.__qualname__}"
    transaction.on_commit(partial(_push, path, tenant_id, unique, queue, ids))


def _push(path: str, tenant_id: int | None, unique: str | None, queue: str, ids: dict[str, Any]) -> None:
    more: dict[str, Any] = {"job_id": unique, "unique": True} if unique else {}
    try:
        django_rq.get_queue(queue).enqueue(
            run, kwargs={"path": path, "tenant_id": tenant_id, "ids": ids}, result_ttl=0, failure_ttl=7 * 86_400, **more
        )
    except DuplicateJobError:
        logger.debug("Job %s already waits.", unique)
    except RedisError:
        logger.warning("The queue is down: job %s waits for the next tick of the schedule.", path)


def run(*, path: str, tenant_id: int | None, ids: dict[str, Any]) -> None:
    """What a worker runs: the job, acting for its tenant."""
    module, name = path.rsplit(".", 1)
    job = getattr(importlib.import_module(module), name)
    if tenant_id is None:
        job(**ids)
        return
    with acting_for(tenant_id):
        job(**ids)
