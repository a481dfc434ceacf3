"""Of all schedulers that run, one ticks; when it dies or loses its connection, another one takes over."""

import threading
from datetime import datetime

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from tests.runtime.living import eventually
from winback.runtime import scheduler


class Another:
    """A scheduler in another process, as PostgreSQL sees it: a connection of its own."""

    def __init__(self) -> None:
        self.elected: bool | None = None
        self._asked, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._asked.wait()

    def _run(self) -> None:
        try:
            self.elected = scheduler.elected()
            self._asked.set()
            self._ended.wait()
        finally:
            connection.close()

    def die(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.django_db(transaction=True)
def test_one_of_two_is_elected_and_the_other_takes_over() -> None:
    leader = Another()
    try:
        assert leader.elected
        assert not scheduler.elected()
    finally:
        leader.die()

    # PostgreSQL frees the lock when it has noticed that the connection is gone, not at once.
    assert eventually(scheduler.elected)
    assert scheduler.still_elected()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_who_lost_the_connection_is_no_longer_elected() -> None:
    assert eventually(scheduler.elected)
    connection.close()

    assert not scheduler.still_elected()


@pytest.mark.django_db(transaction=True)
def test_a_tick_that_fails_and_a_database_that_goes_do_not_end_the_scheduler(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WINBACK_SCHEDULE_TICK = f"{__name__}.tick"
    ticks.clear()
    monkeypatch.setattr("winback.runtime.scheduler.time.sleep", _stop_after_three)

    with pytest.raises(EnoughTicks):
        scheduler.run()

    assert ticks == ["failed", "lost the database", "ticked"]
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_every_scheduler_looks_after_its_own_host_elected_or_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WINBACK_SCHEDULE_TICK = settings.WINBACK_HOST_TICK = f"{__name__}.tick"
    ticks[:] = ["failed", "lost the database"]
    monkeypatch.setattr(scheduler, "elected", lambda: False)
    monkeypatch.setattr("winback.runtime.scheduler.time.sleep", _stop_after_three)

    with pytest.raises(EnoughTicks):
        scheduler.run()

    assert ticks[2:] == ["ticked"]
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_tick_that_fails_each_time_does_not_keep_a_host_from_its_own_files(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WINBACK_SCHEDULE_TICK, settings.WINBACK_HOST_TICK = f"{__name__}.broken", f"{__name__}.tick"
    ticks[:] = ["failed", "lost the database"]
    monkeypatch.setattr(scheduler, "elected", lambda: True)
    monkeypatch.setattr("winback.runtime.scheduler.time.sleep", _stop_after_three)

    with pytest.raises(EnoughTicks):
        scheduler.run()

    assert ticks[2:] == ["ticked"]
    connection.close()


def broken(*, now: datetime) -> None:
    raise RuntimeError(f"as meant, at {now}")


class EnoughTicks(Exception):
    """Ends the endless loop of a scheduler under test."""


ticks: list[str] = []


def tick(*, now: datetime) -> None:
    assert now.tzinfo is not None
    if not ticks:
        ticks.append("failed")
        raise RuntimeError("as meant")
    if len(ticks) == 1:
        ticks.append("lost the database")
        raise OperationalError("as meant")
    ticks.append("ticked")


def _stop_after_three(_seconds: float) -> None:
    if len(ticks) == 3:
        raise EnoughTicks
