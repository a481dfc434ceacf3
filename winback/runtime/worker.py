"""The RQ worker: a dead one is noticed in seconds, and a work horse never outlives its worker.

RQ 2.12's defaults notice a killed worker after 13 minutes and let its orphaned horse run on beside the second attempt.
And a worker ends when the queue is away at any moment but one, between two jobs; ours waits for it, as long as it takes
(a failover, a restart). The overrides are of that version: the pin in requirements.in and tests/runtime hold it.
"""

import ctypes
import os
import signal
import sys
from types import FrameType
from typing import Any

from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.job import Job

_PR_SET_PDEATHSIG = 1
_FOR_EVER, _WHILE_STOPPING = -1, 3


class WinbackWorker(Worker):
    """rq.Worker with short heartbeats, patience with its queue, and a kernel death signal in the horse."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.update(worker_ttl=30, maintenance_interval=10, job_monitoring_interval=5)
        super().__init__(*arguments, **options)

    def work(self, *arguments: Any, **options: Any) -> bool:
        self._try_again(_FOR_EVER)  # a queue that was not there for __init__ has ended the command already
        return super().work(*arguments, **options)

    def _try_again(self, times: int) -> None:
        """How often a command to the queue is repeated while that is away, at most a second apart."""
        for connection in (self.connection, *(queue.connection for queue in self.queues)):
            connection.set_retry(Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=times))

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self._try_again(_WHILE_STOPPING)
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ's

    def get_heartbeat_ttl(self, job: Job, **_: Any) -> int:
        return 20

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.pid:  # the worker died before the death signal was set
            os._exit(1)
        super().main_work_horse(job, queue)
