"""From a bare Python to the project's own environment, with the standard library alone.

When Django is not importable where a command was started, ``.venv`` is made beside ``manage.py``, the locked
requirements are installed by hash, and the command starts again in it. A stamp makes the second run quick.
"""

import fcntl
import hashlib
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("django", "environ", "django_rq", "ninja", "psycopg")
OLDEST_PYTHON = (3, 11)


def enter(arguments: list[str]) -> None:
    """Return when this interpreter can run the command; otherwise start it again in one that can."""
    if sys.version_info < OLDEST_PYTHON:
        stop(f"winback needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if arguments[1:2] == ["test"]:
        python = prepare("requirements-dev.txt")
        os.chdir(ROOT)
        os.execv(python, [str(python), "-m", "pytest", *arguments[2:]])
    if all(importlib.util.find_spec(name) is not None for name in NEEDED):
        return
    python = prepare("requirements.txt")
    if Path(sys.prefix).resolve() == (ROOT / ".venv").resolve():
        stop(f"The environment in {ROOT / '.venv'} is broken: remove the folder and run the command again.")
    os.execv(python, [str(python), *arguments])


def prepare(requirements: str) -> Path:
    """Make ``.venv`` with these locked requirements, unless its stamp says that it has them; returns its Python."""
    environment = ROOT / ".venv"
    python = environment / "bin" / "python"
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two first commands at once: the second waits and finds it done
        if _has(environment, requirements):
            return python
        if not _works(python):
            say("Making the environment in .venv")
            run([sys.executable, "-m", "venv", "--clear", str(environment)], NO_VENV)
        say(f"Installing {requirements} (once; about half a minute)")
        # Not compiled beforehand: phonenumbers and twilio are 90 MB of modules of which a hundredth is ever imported.
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-compile"]
        run(
            [*command, "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / requirements)],
            "The locked requirements could not be installed: is the package index reachable?",
        )
        (environment / f"{requirements}.stamp").write_text(_stamp(requirements))
    return python


def _works(python: Path) -> bool:
    """Whether the environment can install: not when its Python was upgraded away, or making it was interrupted."""
    try:
        asked = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0


NO_VENV = "Python's venv module is missing: install it (Debian and Ubuntu: apt install python3-venv) and try again."


def _stamp(requirements: str) -> str:
    return hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()


def _has(environment: Path, requirements: str) -> bool:
    """Whether the stamp of these requirements, or of the larger set that holds them, is the present one."""
    return (environment / "bin" / "python").exists() and any(
        (environment / f"{name}.stamp").is_file() and (environment / f"{name}.stamp").read_text() == _stamp(name)
        for name in {requirements, "requirements-dev.txt"}
    )


def run(command: list[str], complaint: str) -> None:
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        stop(complaint)


def say(text: str) -> None:
    print(f"winback: {text}", file=sys.stderr, flush=True)


def stop(complaint: str) -> None:
    say(complaint)
    sys.exit(1)


def call(where: str, *arguments: object) -> None:
    """Import ``module:function`` and call it: for code that may be imported only once the environment is whole."""
    module, function = where.split(":")
    getattr(importlib.import_module(module), function)(*arguments)
