"""A bad or missing value in the environment stops the start with one sentence that names it."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.data import REPOSITORY
from tests.runtime.values import VALUES
from winback.environment import Environment
from winback.runtime import addresses


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """``manage.py check`` in this environment and no other; with servers named, none is started."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_good_environment_starts() -> None:
    assert start(**VALUES).returncode == 0


def test_a_database_may_have_a_standby_at_another_host() -> None:
    hosts = "one.example.com:5432,two.example.com:5433"
    url = f"postgres://winback:secret@{hosts}/winback?target_session_attrs=read-write"
    assert start(**VALUES | {"DATABASE_URL": url}).returncode == 0
    config = Environment().db_url_config(url)
    assert (config["HOST"], config["PORT"]) == ("one.example.com,two.example.com", "5432,5433")
    assert config["OPTIONS"] == {"target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://127.0.0.1/winback"),
        ("DATABASE_URL", "127.0.0.1:5432"),
        ("DATABASE_URL", "postgres://winback:secret-password@host:port/winback"),
        ("DATABASE_URL", "postgres://winback:secret-password@host:5432,other:port/winback"),
        ("REDIS_URL", ""),
        ("REDIS_URL", "http://127.0.0.1:6379"),
        ("SECRET_KEY", ""),
        ("SECRET_KEY_FILE", "/nowhere/secret"),
        ("WINBACK_ENCRYPTION_KEYS", ""),
        ("WINBACK_PUBLIC_URL", "book.example.com"),
        ("WINBACK_HOME", __file__),
        ("DEBUG", "flase"),
        ("SSL_REDIRECT", "2"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_understood_is_named_and_not_shown(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for known, good in VALUES.items():
        monkeypatch.setenv(known, good)
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        runpy.run_path(str(REPOSITORY / "winback" / "settings.py"))

    assert "secret-password" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://127.0.0.1/winback"),
        ("SECRET_KEY", "short"),
        ("WINBACK_PUBLIC_URL", "https://b.example"),
    ],
)
def test_a_wrong_value_ends_a_command_without_a_traceback(name: str, value: str) -> None:
    ended = start(**VALUES | {name: value})

    assert ended.returncode == 1
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_that_does_not_answer_is_said_in_one_sentence() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "showmigrations"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]} | VALUES,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("winback: DATABASE_URL: the database cannot be reached")
    assert ended.stderr.count("\n") == 1


def test_a_secret_may_stand_in_a_file_and_begin_with_a_dollar(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("$" + "kJ8-long-and-random-enough-to-be-a-secret" + "\n")
    without = {name: value for name, value in VALUES.items() if name != "SECRET_KEY"}

    assert start(**without, SECRET_KEY_FILE=str(secret)).returncode == 0


def test_the_example_names_exactly_what_the_settings_read() -> None:
    source = (REPOSITORY / "winback" / "settings.py").read_text()
    read = set(re.findall(r"""env\.(?!read_env|db_url_config)\w+\(\s*"([A-Z_]+)\"""", source))
    written = set(re.findall(r"^#([A-Z_]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE))

    assert read == written
    assert len(read) > 10


def test_nothing_else_reads_the_environment() -> None:
    reading = [
        path.relative_to(REPOSITORY).as_posix()
        for app in ("winback", "catalog", "tenants", "campaigns")
        for path in (REPOSITORY / app).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text()) and "runtime" not in path.parts
    ]

    # These two only say where the settings are.
    assert sorted(reading) == ["winback/asgi.py", "winback/wsgi.py"]


def test_a_port_that_nobody_asked_for_moves_when_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINBACK_PUBLIC_URL", raising=False)
    monkeypatch.setattr(addresses, "is_free", lambda port, host="": port >= addresses.FIRST_PORT + 2)
    arguments = ["manage.py", "serve"]

    addresses.settle(arguments)

    assert arguments[-2:] == ["--port", str(addresses.FIRST_PORT + 2)]
    assert os.environ.pop("WINBACK_PUBLIC_URL") == f"http://127.0.0.1:{addresses.FIRST_PORT + 2}"


@pytest.mark.parametrize("asked", ["--port=8123", "--port 8123"])
def test_links_carry_the_port_that_was_asked_for(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WINBACK_PUBLIC_URL", raising=False)

    addresses.settle(["manage.py", "serve", *asked.split()])

    assert os.environ.pop("WINBACK_PUBLIC_URL") == "http://127.0.0.1:8123"


def test_an_address_that_was_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WINBACK_PUBLIC_URL", "https://book.example.com")

    addresses.settle(["manage.py", "serve", "--port", "8123"])

    assert os.environ["WINBACK_PUBLIC_URL"] == "https://book.example.com"


@pytest.mark.parametrize("asked", ["0", "http", "70000", "-1"])
def test_a_port_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(addresses.PortUnusable, match="--port"):
        addresses.settle(["manage.py", "serve", f"--port={asked}"])
