"""An account at Twilio: a local server that speaks the Messages API, and somebody who sends through it."""

import base64

from tests.providers.hearing import Hearing, hear
from tests.providers.http_server import PATIENCE, Answer, HttpServer, Request
from tests.providers.sms.contract import text
from winback.providers.errors import ProviderTrouble
from winback.providers.registry import sms_provider
from winback.providers.sms.base import SmsProvider

ACCOUNT = "AC00000000000000000000000000000001"
SERVICE = "MG00000000000000000000000000000001"
CREDENTIALS = {"account_sid": ACCOUNT, "auth_token": "hunter2", "messaging_service_sid": SERVICE}


class Twilio:
    """The account on the other side."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.status = "active"
        self.type = "Full"

    def __call__(self, request: Request) -> Answer:
        if request.method == "GET":
            assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}.json"
            if "hunter2" not in signed_in_as(request):
                return error(401, 20003, "Authenticate")
            return Answer(200, {"sid": ACCOUNT, "status": self.status, "type": self.type, "friendly_name": "Oak"})
        if self.script:
            return self.script.pop(0)
        sent = request.form()
        return Answer(
            201,
            {
                "sid": "SM" + "0" * 31 + sent["To"][-1],
                "status": "accepted",
                "to": sent["To"],
                "body": sent["Body"],
                "num_segments": "0",
                "date_created": "Wed, 30 Sep 2026 17:00:00 +0000",
            },
        )


def signed_in_as(request: Request) -> str:
    return base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()


def error(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "more_info": "https://…", "status": status})


def connect(url: str, *, timeout_seconds: int = PATIENCE, **credentials: str) -> SmsProvider:
    settings = {"base_url": url, "timeout_seconds": timeout_seconds}
    return sms_provider("twilio", {**CREDENTIALS, **credentials}, settings)


def sending(
    server: HttpServer, *numbers: int, timeout_seconds: int = PATIENCE, **credentials: str
) -> tuple[Hearing, ProviderTrouble | None]:
    return hear(
        connect(server.url, timeout_seconds=timeout_seconds, **credentials), [text(number) for number in numbers]
    )
