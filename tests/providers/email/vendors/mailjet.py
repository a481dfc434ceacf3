"""Mailjet's API."""

import json
from typing import Any

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, named
from tests.providers.http_server import Answer

BASIC = "Basic YXBpOmtleS0x"  # api:key-1


def _first(sent: Any) -> Any:
    return {**sent["Globals"], **sent["Messages"][0]}


def _error(code: str, message: str, about: str, status: int = 400) -> Answer:
    error = {
        "ErrorIdentifier": "f987008f-251a-4dff-8ffc-40f1583ad7bc",
        "ErrorCode": code,
        "StatusCode": status,
        "ErrorMessage": message,
        "ErrorRelatedTo": [about],
    }
    return Answer(status, {"Messages": [{"Status": "error", "Errors": [error]}]})


MAILJET = Vendor(
    code="mailjet",
    told={"api_key": "api", "secret_key": "key-1", "webhook_username": "mailjet", "webhook_password": "horse"},
    path="/v3.1/send",
    prefix="/v3.1",
    authentic=header("Authorization", BASIC),
    unauthorised=Answer(401, {"ErrorMessage": "API key authentication/authorization failure.", "StatusCode": 401}),
    taken=lambda sent: Answer(
        200,
        {
            "Messages": [
                {
                    "Status": "success",
                    "CustomID": _first(sent)["CustomID"],
                    "To": [{"Email": _first(sent)["To"][0]["Email"], "MessageID": 1152921504000000001}],
                    "Cc": [],
                    "Bcc": [],
                }
            ]
        },
    ),
    received=lambda sent: Received(
        reference=json.loads(_first(sent)["EventPayload"])["winback"],
        sender=named(_first(sent)["From"], name="Name", address="Email"),
        recipient=named(_first(sent)["To"][0], name="Name", address="Email"),
        reply_to=_first(sent)["ReplyTo"]["Email"],
        subject=_first(sent)["Subject"],
        text=_first(sent)["TextPart"],
        html=_first(sent)["HTMLPart"],
        headers=_first(sent)["Headers"],
    ),
    tracking_off=lambda sent: (
        (_first(sent)["TrackClicks"], _first(sent)["TrackOpens"]) == ("disabled", "disabled")
        and _first(sent)["CustomID"] == "ref-1"
    ),
    probe={"/v3/REST/sender": Answer(200, {"Count": 1, "Data": [{"Email": "*@oak.example.com", "Status": "Active"}]})},
    errors={
        "address_unusable": _error("mj-0013", '"ana1@example.org" is an invalid email address.', "To[0].Email"),
        "misconfigured": _error("send-0008", "From email is not an authorized sender.", "From"),
        "deferred": _error("mj-9999", "new: ana1@example.org", "Subject"),
    },
)
