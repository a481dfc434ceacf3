"""enqueue(): after the commit, once, for its tenant; and nothing is lost that PostgreSQL holds."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
from django.db import connection, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from rq import Queue, SimpleWorker
from rq.job import JobStatus

from tenants.accounts.models import Tenant
from tests import factories
from winback import queues, tenancy
from winback.runtime import serve
from winback.tenancy import NoTenantScope, acting_for_all

done: list[object] = []


def note(*, number: int = 0) -> None:
    done.append(number)


def note_scope() -> None:
    scope = tenancy.current_scope()
    done.append(scope.tenant_ids if scope is not None else None)


def count_brands() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_brand")
        done.append(cursor.fetchone()[0])


def fail() -> None:
    raise RuntimeError("as meant")


@pytest.fixture
def queue() -> Iterator[Queue]:
    waiting = django_rq.get_queue("default")
    waiting.connection.flushdb()
    done.clear()
    yield waiting
    waiting.connection.flushdb()


def work(queue: Queue) -> None:
    """What a worker does until nothing waits, in this process."""
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="CRITICAL")


@pytest.mark.django_db(transaction=True)
def test_a_job_waits_for_the_commit_and_is_forgotten_with_a_rollback(queue: Queue) -> None:
    with transaction.atomic():
        queues.enqueue(note, number=1)
        assert queue.count == 0
    with transaction.atomic():
        queues.enqueue(note, number=2)
        transaction.set_rollback(True)

    assert queue.count == 1
    work(queue)
    assert done == [1]


@pytest.mark.django_db(transaction=True)
def test_a_second_copy_does_not_wait_beside_the_first(queue: Queue) -> None:
    for number in (1, 2):
        queues.enqueue(note, unique="note", number=number)

    work(queue)

    assert done == [1]


@pytest.mark.django_db(transaction=True)
def test_a_failed_job_does_not_bar_the_next_one_of_its_name(queue: Queue) -> None:
    queues.enqueue(fail, unique="note")
    work(queue)
    assert [job.get_status() for job in map(queue.fetch_job, ["note"]) if job] == [JobStatus.FAILED]

    queues.enqueue(note, unique="note", number=3)
    work(queue)

    assert done == [3]


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_down_is_logged_and_raises_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    with caplog.at_level(logging.WARNING):
        queues.enqueue(note)

    assert "The queue is down" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_job_acts_for_its_tenant_and_for_no_other(queue: Queue) -> None:
    with acting_for_all("test set-up"):
        ours = factories.make_tenant()
        factories.make_tenant()

    queues.enqueue(count_brands, tenant_id=ours.pk)
    queues.enqueue(note_scope, tenant_id=ours.pk)
    work(queue)

    assert done == [1, frozenset({ours.pk})]


@pytest.mark.django_db(transaction=True)
def test_a_job_without_a_tenant_must_open_its_own_scope(queue: Queue) -> None:
    queues.enqueue(note_scope)
    work(queue)

    assert done == [None]
    with pytest.raises(NoTenantScope):
        queues.run(path=f"{__name__}.count_brands", tenant_id=None, ids={})


def test_a_scope_that_is_open_is_not_carried_to_the_worker(
    queue: Queue, tenant: Tenant, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        queues.enqueue(note_scope)

    job = queue.fetch_job(queue.job_ids[0])

    assert job is not None
    assert job.kwargs["tenant_id"] is None
    assert tenant.pk not in job.kwargs["ids"].values()


@pytest.mark.django_db(transaction=True)
def test_what_a_person_waits_for_comes_before_the_rest_and_after_what_people_said(queue: Queue) -> None:
    for number, name in enumerate(reversed(queues.QUEUES)):
        queues.enqueue(note, queue=name, number=number)

    waiting = [queues.get_queue(name) for name in queues.QUEUES]
    SimpleWorker(waiting, connection=queue.connection).work(burst=True, logging_level="CRITICAL")

    assert done == [2, 1, 0]


def test_workers_take_from_every_queue_in_that_order_and_one_from_no_long_job(settings: Settings) -> None:
    assert tuple(settings.RQ_QUEUES) == queues.QUEUES
    taken = [
        tuple(command[command.index("rqworker") + 1 :])
        for _, command in serve._commands("127.0.0.1", 8000, 2)
        if "rqworker" in command
    ]
    assert taken == [queues.QUEUES, queues.QUEUES, queues.SHORT]
    assert queues.DEFAULT not in queues.SHORT


def test_every_door_at_which_a_person_stands_says_whether_they_wait() -> None:
    """Else a probe would stand behind somebody's import, as it once did."""
    silent = [
        f"{path}:{call.lineno}"
        for room in ("campaigns", "tenants")
        for path in sorted(Path(room).rglob("*.py"))
        if path.stem.endswith(("_page", "_api")) or path.stem in ("admin", "api", "depending")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "enqueue"
        if "queue" not in {word.arg for word in call.keywords}
    ]

    assert not silent
