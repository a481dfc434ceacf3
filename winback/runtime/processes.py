"""Children that never outlive their parent, and files that nobody else reads. Standard library alone."""

import contextlib
import ctypes
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
# Of root alone, like everything in /var/lib: in a folder where all may write, somebody could lay a trap.
SHELTER = Path("/var/lib/winback")


def dies_with_parent(how: int) -> Callable[[], None]:
    """What a child runs before exec, so that the kernel sends it this signal when its parent dies (Linux)."""

    def set_death_signal() -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)

    return set_death_signal


def start(command: list[str], *, on_parent_death: int, log: Path | None, **more: Any) -> "subprocess.Popen[bytes]":
    """Start a child in a session of its own (Ctrl-C reaches only us) with its output in a log file."""
    output = log.open("ab") if log is not None else None
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            start_new_session=True,
            preexec_fn=dies_with_parent(on_parent_death),  # noqa: PLW1509 - no thread runs where children are made
            **more,
        )
    finally:
        if output is not None:
            output.close()


def stop(child: "subprocess.Popen[bytes]", how: int, *, patience: float = 20) -> None:
    """Ask a child to stop, and insist when it does not."""
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def wait_until_left(folder: Path, *, patience: float = 20) -> None:
    """Return when no process works in this folder: after a kill, the old server may still be on its way out."""
    end = time.monotonic() + patience
    while sys.platform == "linux" and time.monotonic() < end and folder.resolve() in _working_folders():
        time.sleep(0.05)


def _working_folders() -> Iterator[Path]:
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # somebody else's process, or one that has just ended
            yield link.readlink()


def unprivileged() -> dict[str, Any]:
    """As whom PostgreSQL runs: it refuses root, so ``nobody`` then; nothing to change otherwise."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def give_away(path: Path) -> None:
    """Make a folder belong to whom PostgreSQL runs as."""
    who = unprivileged()
    if who:
        os.chown(path, who["user"], who["group"])


def traversable(path: Path) -> bool:
    """Whether somebody without rights can reach this path: its parents are never opened up for that."""
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents] if parent.is_dir())


def reachable_copy(folder: Path, *siblings: Path) -> Path:
    """The folder itself, or a copy (with its siblings) where ``nobody`` can read it, when it lies in a private one."""
    if os.geteuid() != 0 or traversable(folder):
        return folder
    stamp = f"{folder} {folder.stat().st_mtime_ns}"
    target = shelter(f"binaries-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}")
    if not (target / folder.name).is_dir():
        part = Path(tempfile.mkdtemp(dir=target))
        for source in (*siblings, folder):
            shutil.copytree(source, part / source.name, symlinks=True)
            with contextlib.suppress(OSError):  # another process was faster; its copy is as good
                (part / source.name).rename(target / source.name)
        shutil.rmtree(part)
    return target / folder.name


def shelter(name: str) -> Path:
    """A folder outside every private one, for what root's PostgreSQL must reach as ``nobody``."""
    folder = SHELTER / name
    folder.mkdir(parents=True, exist_ok=True)
    for opened in (SHELTER, folder):
        opened.chmod(0o711)  # whoever knows a name in it may pass; nobody may list it
    return folder


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    part.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file, or an empty one when it is not there."""
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content


def clean_environment() -> dict[str, str]:
    """The environment without what would make a server depend on the machine's locale or on another server."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "PG")) and name not in {"LANG", "LANGUAGE"}
    }
