"""The RQ worker: a dead one is noticed in seconds, and a work horse never outlives its worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from rq import Queue
from rq.job import JobStatus

from tests.data import REPOSITORY
from tests.faults.servers import Valkey
from tests.runtime.living import eventually
from winback.runtime.worker import WinbackWorker

WORK = """
import sys
from redis import Redis
from rq import Queue
from winback.runtime.worker import WinbackWorker
connection = Redis.from_url(sys.argv[1])
WinbackWorker([Queue("faults", connection=connection)], connection=connection).work(logging_level="CRITICAL")
"""


@pytest.fixture
def queue() -> Iterator[Queue]:
    connection = django_rq.get_connection("default")
    connection.flushdb()
    yield Queue("faults", connection=connection)
    connection.flushdb()


@pytest.fixture
def workers() -> "Iterator[list[subprocess.Popen[bytes]]]":
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for worker in started:
        worker.kill()
        worker.wait()


def start_worker(url: str = "") -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WORK, url or os.environ["REDIS_URL"]], cwd=REPOSITORY)


def test_a_dead_worker_is_noticed_by_its_short_heartbeat(queue: Queue) -> None:
    worker = WinbackWorker([queue], connection=queue.connection)

    assert (worker.worker_ttl, worker.maintenance_interval, worker.job_monitoring_interval) == (30, 10, 5)
    assert worker.get_heartbeat_ttl(queue.enqueue(time.sleep, 0)) == 20


def test_rq_is_the_version_that_the_overrides_are_for() -> None:
    assert "rq==2.12.0" in (REPOSITORY / "requirements.in").read_text()


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal is Linux's")
def test_the_horse_of_a_killed_worker_dies_with_it(queue: Queue, workers: "list[subprocess.Popen[bytes]]") -> None:
    workers.append(start_worker())
    job = queue.enqueue(time.sleep, 120, job_timeout=300)
    assert eventually(lambda: job.get_status(refresh=True) == JobStatus.STARTED)
    assert eventually(lambda: bool(_children(workers[0].pid)))
    (horse,) = _children(workers[0].pid)

    workers[0].kill()
    workers[0].wait()

    assert eventually(lambda: not Path(f"/proc/{horse}").exists() or _is_dead(horse))


@pytest.mark.faults
@pytest.mark.slow
def test_the_job_of_a_killed_worker_is_given_up_within_a_minute(
    queue: Queue, workers: "list[subprocess.Popen[bytes]]"
) -> None:
    workers.append(start_worker())
    job = queue.enqueue(time.sleep, 300, job_timeout=600)
    assert eventually(lambda: job.get_status(refresh=True) == JobStatus.STARTED)

    workers[0].send_signal(signal.SIGKILL)
    workers.append(start_worker())

    assert eventually(lambda: job.get_status(refresh=True) == JobStatus.FAILED, seconds=60)


@pytest.mark.faults
def test_a_queue_that_dies_in_the_middle_of_a_job_ends_no_worker(
    tmp_path: Path, workers: "list[subprocess.Popen[bytes]]"
) -> None:
    """RQ's own worker ends at the next word to the queue that is not about the next job."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    workers.append(start_worker(server.url))
    waiting = Queue("faults", connection=Redis.from_url(server.url, retry=Retry(ConstantBackoff(0.1), retries=50)))
    job = waiting.enqueue(time.sleep, 3)
    assert eventually(lambda: job.get_status(refresh=True) == JobStatus.STARTED)

    server.kill()
    time.sleep(4)  # the job is over, and nobody could be told
    server.start()
    later = waiting.enqueue(time.sleep, 0, result_ttl=60)

    assert eventually(lambda: later.get_status(refresh=True) == JobStatus.FINISHED, seconds=20)
    assert workers[0].poll() is None
    server.kill()


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _is_dead(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
