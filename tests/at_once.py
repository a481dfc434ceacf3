"""Deeds that begin at the same moment, each in a thread and on a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Answer = TypeVar("Answer")


def at_once(*deeds: Callable[[], Answer]) -> list[Answer]:
    """What each answers, when all have ended; what one of them raises is raised."""
    together = threading.Barrier(len(deeds))

    def do(deed: Callable[[], Answer]) -> Answer:
        try:
            together.wait()
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))
