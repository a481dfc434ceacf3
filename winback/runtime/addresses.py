"""At which port ``serve`` and ``demo`` answer, settled before the settings load: links carry the address."""

import os
import socket
import sys

from winback.runtime.bootstrap import say

FIRST_PORT = 8000
# Only a port that nobody asked for is moved, and only so far that it can still be guessed.
TRIED_PORTS = 20


class PortUnusable(RuntimeError):
    """The port that was asked for is no port."""


def settle(arguments: list[str]) -> None:
    """Put a free ``--port`` into the arguments where none is given, and make the public address of it."""
    asked = _asked_for(arguments)
    if asked is None:
        port = FIRST_PORT if "--once" in arguments else _first_free()
        arguments += ["--port", str(port)]
    elif asked.isdecimal() and 0 < int(asked) < 65_536:
        port = int(asked)
    else:
        raise PortUnusable(f"--port {asked} is no port: write a number from 1 to 65535.")
    if not os.environ.get("WINBACK_PUBLIC_URL") and not os.environ.get("WINBACK_PUBLIC_URL_FILE"):
        os.environ["WINBACK_PUBLIC_URL"] = f"http://127.0.0.1:{port}"


def _first_free() -> int:
    port = next((port for port in range(FIRST_PORT, FIRST_PORT + TRIED_PORTS) if is_free(port)), FIRST_PORT)
    if port != FIRST_PORT:
        say(f"Port {FIRST_PORT} is taken; using {port}.")
    return port


def _asked_for(arguments: list[str]) -> str | None:
    asked = None
    for position, argument in enumerate(arguments):
        if argument == "--port":
            asked = arguments[position + 1] if position + 1 < len(arguments) else ""
        elif argument.startswith("--port="):
            asked = argument.removeprefix("--port=")
    return asked


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether this process could listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
