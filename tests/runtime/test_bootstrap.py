"""The bootstrap: from a bare Python to the project's environment, once, and in one sentence where that fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import REPOSITORY
from winback.runtime import bootstrap


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pip and nothing else, made once: that takes seconds."""
    folder = tmp_path_factory.mktemp("made") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def with_environment(checkout: Path, made: Path) -> Path:
    """The checkout with an environment in which nothing was installed yet."""
    shutil.copytree(made, checkout / ".venv", symlinks=True)
    return checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with nothing locked, so that installing needs no network."""
    shutil.copy(REPOSITORY / "manage.py", tmp_path)
    (tmp_path / "winback" / "runtime").mkdir(parents=True)
    for name in ("__init__.py", "runtime/__init__.py", "runtime/bootstrap.py"):
        shutil.copy(REPOSITORY / "winback" / name, tmp_path / "winback" / name)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    return tmp_path


def test_the_environment_is_made_once_and_found_after_that(checkout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    python = bootstrap.prepare("requirements.txt")
    first = capfd.readouterr().err
    bootstrap.prepare("requirements.txt")

    assert python == checkout / ".venv" / "bin" / "python"
    assert subprocess.run([python, "-m", "pip", "--version"], check=True, capture_output=True)
    assert "Making the environment" in first
    assert capfd.readouterr().err == ""


def test_changed_requirements_are_installed_again(with_environment: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bootstrap.prepare("requirements.txt")
    (with_environment / "requirements.txt").write_text("# now with a remark\n")
    capfd.readouterr()

    bootstrap.prepare("requirements.txt")

    said = capfd.readouterr().err
    assert "Installing requirements.txt" in said
    assert "Making the environment" not in said


def test_the_larger_set_holds_the_smaller(with_environment: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bootstrap.prepare("requirements-dev.txt")
    capfd.readouterr()

    bootstrap.prepare("requirements.txt")

    assert capfd.readouterr().err == ""


def test_an_environment_that_was_half_made_is_made_anew(checkout: Path) -> None:
    broken = checkout / ".venv" / "bin"
    broken.mkdir(parents=True)
    (broken / "python").symlink_to("/nowhere/python3")

    python = bootstrap.prepare("requirements.txt")

    assert subprocess.run([python, "-c", ""], check=False).returncode == 0


def test_a_missing_venv_module_gets_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(SystemExit):
        bootstrap.prepare("requirements.txt")

    assert capfd.readouterr().err.splitlines()[-1] == f"winback: {bootstrap.NO_VENV}"


def test_requirements_that_cannot_be_installed_get_one_sentence(
    with_environment: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (with_environment / "requirements.txt").write_text("./nowhere-1-py3-none-any.whl --hash=sha256:00\n")

    with pytest.raises(SystemExit):
        bootstrap.prepare("requirements.txt")

    assert "could not be installed" in capfd.readouterr().err.splitlines()[-1]
    assert not (with_environment / ".venv" / "requirements.txt.stamp").exists()


def test_an_environment_without_what_is_needed_is_called_broken_and_not_tried_for_ever(with_environment: Path) -> None:
    bootstrap.prepare("requirements.txt")

    ended = subprocess.run(
        [sys.executable, "-S", "manage.py", "help"],
        cwd=with_environment,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert "is broken: remove the folder and run the command again." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_old_python_gets_one_sentence(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))

    with pytest.raises(SystemExit):
        bootstrap.enter(["manage.py", "demo"])

    assert capfd.readouterr().err.startswith("winback: winback needs Python 3.11 or newer")


def test_the_bootstrap_stands_on_the_standard_library_alone() -> None:
    ended = subprocess.run(
        [sys.executable, "-S", "-c", "import winback.runtime.bootstrap"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
