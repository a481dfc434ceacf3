"""The pytest plugin that gives the tests throw-away PostgreSQL and Valkey before Django's settings load.

With DATABASE_URL and REDIS_URL set, those servers are used. Under xdist the controlling process starts the servers, the
workers find them in their environment; each has its own test database (pytest-django) and its own Valkey database.
"""

import atexit
import base64
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from winback.runtime import processes
from winback.runtime.postgres import THROW_AWAY, EmbeddedPostgres
from winback.runtime.valkey import EmbeddedValkey


def _start_servers() -> None:
    home = Path(tempfile.mkdtemp(prefix="winback-tests-"))
    home.chmod(0o711)  # PostgreSQL may run as somebody else; its own folder below is 0700
    postgres = EmbeddedPostgres(home / "postgres", THROW_AWAY)
    valkey = EmbeddedValkey(home / "valkey", durable=False)
    started_by = os.getpid()

    def clean_up() -> None:
        if os.getpid() == started_by:  # a forked child must not stop its parent's servers
            valkey.stop()
            postgres.stop()
            shutil.rmtree(home, ignore_errors=True)

    atexit.register(clean_up)  # before the start: a failed one leaves nothing either
    (home / "postgres").mkdir()
    (home / "postgres").chmod(0o711)
    processes.give_away(home / "postgres")
    os.environ.setdefault("DATABASE_URL", postgres.start())
    os.environ.setdefault("REDIS_URL", valkey.start())
    os.environ["WINBACK_HOME"] = str(home / "winback")
    (home / "winback").mkdir()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _start_servers()
    elif "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["WINBACK_HOME"] = tempfile.mkdtemp(prefix="winback-tests-")
        atexit.register(shutil.rmtree, os.environ["WINBACK_HOME"], ignore_errors=True)
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" * 4)
    os.environ.setdefault("WINBACK_ENCRYPTION_KEYS", base64.urlsafe_b64encode(b"only-for-tests-" * 2 + b"!!").decode())
    os.environ.setdefault("WINBACK_PUBLIC_URL", "https://book.example.com")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1,book.example.com")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rsplit("/", 1)[0] + f"/{number}"
        os.environ["WINBACK_HOME"] = str(Path(os.environ["WINBACK_HOME"]) / worker)
        Path(os.environ["WINBACK_HOME"]).mkdir(exist_ok=True)
    return (yield)
