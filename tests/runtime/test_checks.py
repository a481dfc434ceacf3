"""System checks say which setting is wrong and how to mend it."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import OperationalError, connections
from pytest_django import Settings

from winback import checks


def identifiers(**options: Any) -> set[str]:
    return {message.id for message in run_checks(**options) if message.id and message.id.startswith("winback.")}


def test_the_environment_of_the_tests_is_clean() -> None:
    assert identifiers() == set()


@pytest.mark.parametrize(
    ("identifier", "changes"),
    [
        ("winback.E003", {"SECRET_KEY": "secret"}),
        ("winback.E003", {"SECRET_KEY": "a" * 64}),
        ("winback.E003", {"SECRET_KEY": "django-insecure-" + "abcdefgh" * 8}),
        ("winback.E004", {"WINBACK_ENCRYPTION_KEYS": []}),
        ("winback.E004", {"WINBACK_ENCRYPTION_KEYS": ["too-short"]}),
        ("winback.E005", {"DEBUG": True}),
        ("winback.E006", {"ALLOWED_HOSTS": []}),
        ("winback.E006", {"ALLOWED_HOSTS": ["elsewhere.example.com"]}),
        ("winback.E007", {"WINBACK_PUBLIC_URL": "https://book.example.com/path"}),
        ("winback.E008", {"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": None}),
    ],
)
def test_a_wrong_setting_is_an_error(identifier: str, changes: dict[str, Any], settings: Settings) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)

    assert identifier in identifiers(tags=["security"])


def test_a_connection_pool_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "pool", True)

    assert [message.id for message in checks.check_pools()] == ["winback.E010"]


def test_a_home_that_cannot_be_written_to_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WINBACK_HOME = Path("/nowhere/winback")
    monkeypatch.setattr("os.access", lambda path, mode: path != Path("/"))  # root may write everywhere

    assert [message.id for message in checks.check_home()] == ["winback.E009"]


def test_one_bad_key_among_good_ones_is_numbered_and_not_shown(settings: Settings) -> None:
    settings.WINBACK_ENCRYPTION_KEYS = [*settings.WINBACK_ENCRYPTION_KEYS, "typed-wrongly"]

    (message,) = checks.check_secrets()

    assert "number 2 of 2" in message.msg
    assert "typed-wrongly" not in message.msg + str(message.hint)


@pytest.mark.parametrize(
    ("identifier", "changes"),
    [
        ("winback.W001", {"WINBACK_PUBLIC_URL": "http://127.0.0.1:8000"}),
        ("winback.W002", {"WINBACK_METRICS_TOKEN": ""}),
        ("winback.W003", {"WINBACK_EMBEDDED": True}),
    ],
)
def test_what_is_right_for_a_trial_is_warned_of_before_deployment(
    identifier: str, changes: dict[str, Any], settings: Settings
) -> None:
    settings.WINBACK_METRICS_TOKEN = "a-token"
    assert identifier not in {message.id for message in checks.check_deployment()}
    for name, value in changes.items():
        setattr(settings, name, value)

    assert identifier in {message.id for message in checks.check_deployment()}


@pytest.mark.django_db
def test_a_role_that_is_bound_by_row_level_security_passes() -> None:
    assert checks.check_role(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "word"), [(("root", True, False), "superuser"), (("winback", False, True), "BYPASSRLS")]
)
def test_a_role_that_is_not_bound_is_refused(
    answer: tuple[str, bool, bool], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ROLE", f"SELECT '{answer[0]}', {answer[1]}, {answer[2]}")

    (message,) = checks.check_role(databases=["default"])

    assert message.id == "winback.E001"
    assert word in message.msg


@pytest.mark.django_db
def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "OLDEST_POSTGRESQL", 990_000)

    assert [message.id for message in checks.check_role(databases=["default"])] == ["winback.E002"]


def test_every_message_names_a_setting_and_how_to_mend_it(settings: Settings) -> None:
    settings.SECRET_KEY = "x"
    settings.WINBACK_ENCRYPTION_KEYS = []
    settings.DEBUG = settings.SECURE_SSL_REDIRECT = settings.WINBACK_EMBEDDED = True
    settings.ALLOWED_HOSTS = []
    settings.WINBACK_METRICS_TOKEN = ""
    settings.WINBACK_PUBLIC_URL = "https://elsewhere.example.com/path"
    found = [
        *checks.check_secrets(),
        *checks.check_public_address(),
        *checks.check_deployment(),
    ]

    assert len(found) == 8
    for message in found:
        assert re.search(r"\b[A-Z]{2,}(_[A-Z]+)+\b|\bDEBUG\b", message.msg), message.msg
        assert message.hint


def test_a_database_that_is_away_is_left_to_whoever_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "cursor", _away)

    assert checks.check_role(databases=["default"]) == []


def _away() -> None:
    raise OperationalError("gone")
