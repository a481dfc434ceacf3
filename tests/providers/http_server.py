"""An HTTP server that answers as a test tells it to and keeps what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


PATIENCE = 30
"""Seconds for an answer that comes: a busy machine takes its time."""


@dataclass(frozen=True)
class Answer:
    """What to say; ``hang`` seconds of silence first, ``cut`` the connection instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: float = 0
    cut: bool = False

    @property
    def patience(self) -> int:
        """Seconds that a test waits for it."""
        return 1 if self.hang else PATIENCE


Respond = Callable[[Request], Answer]


@dataclass
class HttpServer:
    url: str
    requests: list[Request]


@contextmanager
def serving(respond: Respond) -> Iterator[HttpServer]:
    """Serve on a port of its own; ``respond`` decides about every request."""
    requests: list[Request] = []
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            request = Request(
                self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body, self.client_address[1]
            )
            requests.append(request)
            answer = respond(request)
            if answer.hang:
                stopping.wait(answer.hang)
            if answer.cut or answer.hang:
                self.close_connection = True
                return
            content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body or {}).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield HttpServer(f"http://127.0.0.1:{server.server_port}", requests)
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
