"""The RQ worker: a dead one is noticed in seconds, and a work horse never outlives its worker.

RQ 2.12's defaults notice a killed worker after 13 minutes and let its orphaned horse run on beside the second attempt.
The overrides are of that version: the pin in requirements.in and tests/runtime hold it.
"""

import ctypes
import os
import signal
import sys
from typing import Any

from rq import Queue, Worker
from rq.job import Job

_PR_SET_PDEATHSIG = 1


class WinbackWorker(Worker):
    """rq.Worker with short heartbeats and a kernel death signal in the horse."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options.update(worker_ttl=30, maintenance_interval=10, job_monitoring_interval=5)
        super().__init__(*arguments, **options)

    def get_heartbeat_ttl(self, job: Job, **_: Any) -> int:
        return 20

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self.pid:  # the worker died before the death signal was set
            os._exit(1)
        super().main_work_horse(job, queue)
