"""An account at Postmark: a local server that speaks its published API, and somebody who sends through it."""

from typing import Any

from tests.providers.email.contract import email
from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request
from winback.providers.email.base import EmailProvider
from winback.providers.errors import ProviderTrouble
from winback.providers.registry import email_provider

TOKEN = "11111111-2222-3333-4444-555555555555"
SERVER = {"ID": 1, "Name": "Oak", "DeliveryType": "Live", "Color": "Green"}
STREAM = {"ID": "broadcast", "ServerID": 1, "MessageStreamType": "Broadcasts", "ArchivedAt": None}


class Postmark:
    """The account on the other side: what it was sent, and how it answers."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.server: Answer = Answer(200, SERVER)
        self.stream: Answer = Answer(200, STREAM)
        self.found = 0

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("X-Postmark-Server-Token") != TOKEN:
            return error(10, "The Server Token you provided in the X-Postmark-Server-Token is invalid.", status=401)
        if request.method == "GET":
            if request.path == "/server":
                return self.server
            if request.path == "/messages/outbound":
                return Answer(200, {"TotalCount": self.found, "Messages": []})
            return self.stream
        if self.script:
            return self.script.pop(0)
        sent = request.json()
        return Answer(
            200,
            {
                "To": sent["To"],
                "SubmittedAt": "2026-09-30T12:00:00.0000000-05:00",
                "MessageID": f"id-of-{sent['Metadata']['winback']}",
                "ErrorCode": 0,
                "Message": "OK",
            },
        )


def error(code: int, message: str, *, status: int = 422, **headers: str) -> Answer:
    return Answer(status, {"ErrorCode": code, "Message": message}, headers)


def connect(url: str, token: str = TOKEN, **settings: Any) -> EmailProvider:
    return email_provider(
        "postmark", {"server_token": token}, {"api_url": url, "timeout_seconds": PATIENCE, "batch_size": 1, **settings}
    )


def sending(server: HttpServer, *numbers: int, **told: Any) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(connect(server.url, **told), [email(number) for number in numbers])
