"""The way from ``manage.py`` into a command: the environment, the services, pending migrations, then Django."""

import fcntl
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import django
import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility, call_command
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from winback.environment import Environment
from winback.runtime import addresses, services
from winback.runtime.bootstrap import ROOT, say
from winback.runtime.postgres import ServiceFailed

# These ask nothing of a server; placeholders let the settings load.
NEED_NO_SERVICE = {"help", "--help", "-h", "version", "--version", "makemessages", "compilemessages", "startapp"}
# These must see the database as it is.
LEAVE_DATABASE_ALONE = {
    "migrate",
    "makemigrations",
    "check",
    "showmigrations",
    "sqlmigrate",
    "dbshell",
    "flush",
    "squashmigrations",
    "optimizemigration",
    "rqworker",
}

SERVING = {"serve", "demo"}


def main(arguments: list[str]) -> None:
    """Run one command of ``manage.py``."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "winback.settings")
    if (ROOT / ".env").is_file():
        Environment.read_env(str(ROOT / ".env"))
    command = arguments[1] if len(arguments) > 1 else "help"
    if command in NEED_NO_SERVICE or {"--help", "-h"} & set(arguments[2:]):
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "WINBACK_ENCRYPTION_KEYS"):
            if not os.environ.get(f"{name}_FILE"):
                os.environ.setdefault(name, PLACEHOLDERS[name])
        in_one_sentence(lambda: run(arguments))
        return
    in_one_sentence(lambda: run_on_services(command, arguments))


def run(arguments: list[str]) -> None:
    _ = settings.INSTALLED_APPS  # here, because Django would forget what is wrong with the settings
    ManagementUtility(without_settings_module(arguments)).execute()


def run_on_services(command: str, arguments: list[str]) -> None:
    """Run a command that needs the servers: those that the environment names, or the embedded ones."""
    if command in SERVING:
        addresses.settle(arguments)
    if not _named("DATABASE_URL") and not _named("REDIS_URL"):
        services.ensure(services.home_folder())
        if command not in LEAVE_DATABASE_ALONE:
            bring_up_to_date(services.home_folder())
    run(arguments)


def in_one_sentence(work: Callable[[], None]) -> None:
    """Do the work; what only somebody at the environment can mend ends it with one sentence instead of a traceback."""
    try:
        work()
    except (ImproperlyConfigured, ServiceFailed, addresses.PortUnusable) as error:
        say(str(error))
        sys.exit(1)
    except OperationalError as error:
        cause = error.__cause__
        if not isinstance(cause, psycopg.OperationalError) or cause.sqlstate is not None:
            raise
        say(f"DATABASE_URL: the database cannot be reached: {' '.join(str(error).split())}")
        sys.exit(1)
    except RedisConnectionError as error:
        say(f"REDIS_URL: the queue cannot be reached: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("Stopped.")
        sys.exit(130)


def without_settings_module(arguments: list[str]) -> list[str]:
    """The arguments with ``--settings`` by another name.

    There is one settings module here, and ``activate_module --settings JSON`` is ours (contract.md §3); Django would
    take the JSON for the name of a module before any command sees it.
    """
    return [
        "--module-settings" + argument.removeprefix("--settings")
        if argument == "--settings" or argument.startswith("--settings=")
        else argument
        for argument in arguments
    ]


PLACEHOLDERS = {
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "no-service-is-needed",
    "WINBACK_ENCRYPTION_KEYS": "bm8tc2VydmljZS1pcy1uZWVkZWQtZm9yLWhlbHAtISE=",
}


def _named(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def bring_up_to_date(home: Path) -> None:
    """Apply pending migrations and catalog content to the embedded database, unless the stamp says that it has them."""
    stamp = home / "run" / "prepared"
    wanted = _fingerprint()
    with (home / "run" / "prepare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        with open(os.devnull, "w") as nowhere:
            call_command("sync_catalog", stdout=nowhere)
        stamp.write_text(wanted)


def _fingerprint() -> str:
    """A digest of everything that a prepared database depends on: migrations and catalog content."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("*/migrations/*.py"), *(ROOT / "catalog" / "data").rglob("*")]):
        if path.is_file() and "demo" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
