"""``manage.py serve``: web, worker and scheduler come up together, and nothing of them stays, whatever ends it."""

import re
import signal
import subprocess
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from tests.runtime.living import Home, eventually, new_home
from winback.runtime.processes import free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """One home for all: migrations are applied once."""
    with new_home() as made:
        yield made


def serving(home: Home) -> "tuple[subprocess.Popen[str], str]":
    child = home.start("manage.py", "serve", "--port", str(free_port()))
    assert child.stdout is not None
    line = child.stdout.readline()
    found = re.search(r"http://\S+(?=/console/)", line)
    assert found, line + child.communicate()[1]
    return child, found.group()


def roles(home: Home) -> set[str]:
    marks = {"web": "granian", "worker": "rqworker", "scheduler": "winback.runtime.scheduler"}
    return {role for role, mark in marks.items() if any(mark in line for line in home.processes().values())}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_everything_answers_and_a_signal_ends_it_without_a_trace(home: Home, how: signal.Signals) -> None:
    child, address = serving(home)

    assert urlopen(f"{address}/healthz", timeout=10).read() == b"ok\n"
    assert b"Sign in" in urlopen(f"{address}/console/login/", timeout=20).read()
    assert urlopen(f"{address}/readyz", timeout=10).status == 200
    assert eventually(lambda: roles(home) == {"web", "worker", "scheduler"})
    child.send_signal(how)

    assert child.wait(30) == 0
    assert eventually(lambda: home.processes() == {}, seconds=30), home.processes()


@pytest.mark.faults
def test_killed_it_takes_everything_with_it(home: Home) -> None:
    child, _ = serving(home)

    child.kill()

    assert eventually(lambda: home.processes() == {}, seconds=30), home.processes()


@pytest.mark.faults
def test_a_part_that_dies_ends_the_rest_and_says_which(home: Home) -> None:
    child, _ = serving(home)
    assert eventually(lambda: "scheduler" in roles(home))
    (scheduler,) = [pid for pid, line in home.processes().items() if "winback.runtime.scheduler" in line]

    subprocess.run(["kill", "-9", str(scheduler)], check=True)
    _, said = child.communicate(timeout=40)

    assert child.returncode == 1
    assert "scheduler ended" in said
    assert eventually(lambda: home.processes() == {}, seconds=30), home.processes()


def test_a_taken_port_is_said_in_one_sentence(home: Home) -> None:
    first, address = serving(home)
    port = address.rsplit(":", 1)[1]

    second = home.start("manage.py", "serve", "--port", port)
    _, said = second.communicate(timeout=60)
    first.send_signal(signal.SIGINT)
    first.wait(30)

    assert second.returncode == 1
    assert f"Port {port} is taken" in said
    assert "Traceback" not in said
