"""An SMTP server that answers as it is told, hangs up where it is told, and counts what it took.

It is made of sockets alone, so that it can break the protocol at any point.
"""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CLOSE = "close"
HANG = "hang"


@dataclass
class ScriptedSmtp:
    """``script``: verb (``connect``, ``content``, a recipient's address) → answers in order, then the usual ones."""

    script: dict[str, list[str]] = field(default_factory=dict)
    pipelining: bool = True
    wants_content_for_nobody: bool = False
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    USUAL: Mapping[str, str] = field(
        default_factory=lambda: {
            "connect": "220 sink", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on",
            "content": "250 2.0.0 queued as 4711", "RSET": "250 ok", "NOOP": "250 ok", "QUIT": "221 bye",
        }
    )  # fmt: skip

    def settings(self, **more: object) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.port, "security": "none", "timeout_seconds": 30, **more}

    def answer(self, what: str, *, address: str = "") -> str:
        for key in (address, what):
            if self.script.get(key):
                return self.script[key].pop(0)
        return self.USUAL.get(what, "502 5.5.1 what?")

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(10)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        if not self._say(connection, self.answer("connect")):
            return
        recipients = 0
        while line := reader.readline():
            command = line.decode().strip()
            verb = command[:4].upper()
            self.commands.append(command.upper())
            if verb == "EHLO":
                offer = "250-sink\r\n250-PIPELINING\r\n250 8BITMIME" if self.pipelining else "250 sink"
                if not self._say(connection, offer):
                    return
                continue
            address = found[1] if verb == "RCPT" and (found := re.search(r"<(.*)>", command)) else ""
            said = self.answer(verb, address=address)
            if verb in ("MAIL", "RSET"):
                recipients = 0
            if verb == "RCPT" and said.startswith("2"):
                recipients += 1
            if verb == "DATA" and said.startswith("354") and not recipients and not self.wants_content_for_nobody:
                said = "503 5.5.1 no valid recipients"
            if not self._say(connection, said) or verb == "QUIT":
                return
            if verb == "DATA" and said.startswith("354"):
                content = b""
                while (part := reader.readline()) != b".\r\n":
                    if not part:
                        return
                    content += part.removeprefix(b".") if part.startswith(b"..") else part
                if not recipients:
                    assert content == b"", "content for nobody"
                    self._say(connection, "554 5.5.1 no valid recipients")
                    continue
                said = self.answer("content")
                if said.startswith("2") or said in (CLOSE, HANG):  # it has the message, whatever the client hears
                    self.taken.append(content)
                if not self._say(connection, said):
                    return

    def _say(self, connection: socket.socket, said: str) -> bool:
        if said == CLOSE:
            return False
        if said == HANG:
            connection.settimeout(5)
            connection.recv(1)
            return False
        connection.sendall(said.encode() + b"\r\n")
        return not said.startswith("421")


@contextmanager
def running(**told: object) -> Iterator[ScriptedSmtp]:
    """A scripted server on a port of its own."""
    server = ScriptedSmtp(**told)  # type: ignore[arg-type]
    listener = socket.create_server(("127.0.0.1", 0))
    server.port = listener.getsockname()[1]
    thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=10)
