"""Postal's API."""

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, mailbox
from tests.providers.http_server import Answer


def _error(code: str, message: str = "") -> Answer:
    return Answer(200, {"status": "error", "time": 0.1, "flags": {}, "data": {"code": code, "message": message}})


POSTAL = Vendor(
    code="postal",
    told={"api_key": "postal-1"},
    path="/api/v1/send/message",
    authentic=header("X-Server-API-Key", "postal-1"),
    unauthorised=_error("InvalidServerAPIKey", "The API token provided in X-Server-API-Key was not valid."),
    taken=lambda sent: Answer(
        200,
        {
            "status": "success",
            "data": {"message_id": "x@rp.postal", "messages": {mailbox(sent["to"][0])[1]: {"id": 12, "token": "tok"}}},
        },
    ),
    received=lambda sent: Received(
        reference=sent["tag"].removeprefix("winback-"),
        sender=mailbox(sent["from"]),
        recipient=mailbox(sent["to"][0]),
        reply_to=sent["reply_to"],
        subject=sent["subject"],
        text=sent["plain_body"],
        html=sent["html_body"],
        headers=sent["headers"],
    ),
    probe={"/api/v1/messages/message": _error("MessageNotFound", "No message found matching provided ID")},
    errors={
        "address_unusable": _error("NoRecipients", "There are no recipients defined to receive this message"),
        "misconfigured": _error("UnauthenticatedFromAddress", "The From address is not authorised to send mail"),
        "deferred": _error("SomethingNew", "about ana1@example.org"),
    },
)
