"""Whether this installation is alive, ready and keeping up: ``/healthz``, ``/readyz`` and ``/metrics``.

None of the three tells anything about a person or names a tenant. ``/healthz`` asks no server, so that a database that
is away does not make a supervisor restart a web server that is well.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import compare_digest

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from campaigns.operating import metrics
from campaigns.operating.models import ScheduledTask
from winback.queues import get_queue

logger = logging.getLogger(__name__)

SCAN = "scan"
# A scan that is this many of its own intervals late is no longer explained by a restart or a long pass.
LATE_AFTER_INTERVALS = 3
METRICS_SECONDS = 15


@dataclass(frozen=True)
class Finding:
    """What one of the things that readiness asks for answered."""

    ok: bool
    detail: str


def database(_now: datetime) -> Finding:
    """PostgreSQL answers, and row-level security binds the role that we came with."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            (unbound,) = cursor.fetchone()
    except DatabaseError:
        logger.exception("Readiness: the database does not answer.")
        return Finding(False, "does not answer")
    return Finding(False, "the role bypasses row-level security") if unbound else Finding(True, "answers")


def queue(_now: datetime) -> Finding:
    """Redis or Valkey answers."""
    try:
        get_queue("default").connection.ping()
    except RedisError:
        logger.exception("Readiness: the queue does not answer.")
        return Finding(False, "does not answer")
    return Finding(True, "answers")


def last_scan(now: datetime) -> Finding:
    """The scan for dormant contacts ran when it should; where nothing is scheduled, nothing is late."""
    try:
        task = ScheduledTask.objects.filter(code=SCAN).first()
    except DatabaseError:
        return Finding(False, "not known: the database does not answer")
    if task is None:
        return Finding(True, "not scheduled yet")
    patience = timedelta(seconds=task.every_seconds * LATE_AFTER_INTERVALS)
    # A first scan has no end yet: it is as old as its start.
    since = task.last_finished_at or task.last_started_at or task.next_due_at
    finished = task.last_finished_at.isoformat(timespec="seconds") if task.last_finished_at else "never"
    return Finding(now - since <= patience, f"last finished: {finished}")


READINESS: dict[str, Callable[[datetime], Finding]] = {"database": database, "queue": queue, "last_scan": last_scan}


def readiness(*, now: datetime) -> dict[str, Finding]:
    """Everything that readiness asks for, by name."""
    return {name: ask(now) for name, ask in READINESS.items()}


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    found = readiness(now=timezone.now())  # noqa: TID251 - the edge: the clock is read once
    ready = all(finding.ok for finding in found.values())
    body = {"ready": ready} | {name: {"ok": one.ok, "detail": one.detail} for name, one in found.items()}
    return JsonResponse(body, status=200 if ready else 503)


@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    token = settings.WINBACK_METRICS_TOKEN
    if token and not compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="winback metrics"'})
    # Counting the messages reads a whole index: several scrapers share one count.
    text = cache.get_or_set(
        "winback.metrics",
        lambda: metrics.text(now=timezone.now()),  # noqa: TID251 - the edge: the clock is read once
        METRICS_SECONDS,
    )
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", prometheus, name="metrics"),
]
