"""What a nursery's child is: a sender, an RQ worker, a worker with a supervisor above it, a scheduler.

``fault`` is [where, when, number, victim, token]: at the n-th call of that function, before or after it, the victim
gets SIGKILL, once for each token (a file). The victim is the sender itself, its parent (the RQ worker), that one's
parent (the supervisor), or another process by its id.
"""

import ctypes
import importlib
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django_rq.workers import get_worker

from campaigns.operating import jobs
from winback.queues import QUEUES, enqueue
from winback.runtime import scheduler

Fault = list[Any]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _victim(who: str | int) -> int:
    if isinstance(who, int):
        return who
    pid = os.getpid()
    for _ in range(("self", "parent", "grandparent").index(who)):
        pid = parent_of(pid)
    return pid


def arm(fault: Fault | None) -> None:
    """Patch the function so that somebody dies there."""
    if fault is None:
        return
    where, when, number, who, token = fault
    module_name, _, path = where.partition(":")
    owner: Any = importlib.import_module(module_name)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original = getattr(owner, name)
    calls = 0

    def strike() -> None:
        with suppress(FileNotFoundError):
            os.unlink(token)
            os.kill(_victim(who), signal.SIGKILL)
            if who == "self":
                signal.pause()
            time.sleep(0.02)  # the others are gone before the next instruction

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls == number
        if mine and when == "before":
            strike()
        answer = original(*arguments, **named)
        if mine and when == "after":
            strike()
        return answer

    setattr(owner, name, dying)


def send(tenant: int, fault: Fault | None = None) -> None:
    """A sender that no queue knows: as ``manage.py send_due``, a share of it."""
    arm(fault)
    jobs.send_tenant(tenant=tenant)


def work(tenant: int | None = None, fault: Fault | None = None, burst: bool = False) -> None:
    """An RQ worker, as ``rqworker`` makes it; with a tenant it first puts the job into the queue."""
    arm(fault)
    if tenant is not None:
        enqueue(jobs.send_tenant, tenant=tenant)
    get_worker(*QUEUES).work(burst=burst, max_jobs=1 if burst else None, logging_level="CRITICAL")


def supervise(tenant: int | None = None, fault: Fault | None = None, burst: bool = False) -> None:
    """What ``serve`` is to its worker: the worker gets SIGTERM when it dies, and it ends with its worker."""
    ours = os.getpid()
    worker = os.fork()
    if worker == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != ours:
            os._exit(1)
        work(tenant, fault, burst)
        sys.stderr.flush()
        os._exit(0)
    _, status = os.waitpid(worker, 0)
    if os.waitstatus_to_exitcode(status) < 0:
        os.kill(ours, signal.SIGKILL)  # told to the test as it happened


def schedule() -> None:
    scheduler.run()
