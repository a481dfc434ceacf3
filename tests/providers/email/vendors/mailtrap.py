"""Mailtrap's API."""

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, named
from tests.providers.http_server import Answer

MAILTRAP = Vendor(
    code="mailtrap",
    told={"api_token": "trap-1", "webhook_username": "trap", "webhook_password": "horse"},
    path="/api/send",
    prefix="/api",
    authentic=header("Api-Token", "trap-1"),
    unauthorised=Answer(401, {"errors": ["Unauthorized"]}),
    taken=lambda sent: Answer(200, {"success": True, "message_ids": ["0c7fd939-02cf-11ed-88c2-0a58a9feac02"]}),
    received=lambda sent: Received(
        reference=sent["custom_variables"]["winback"],
        sender=named(sent["from"]),
        recipient=named(sent["to"][0]),
        reply_to=sent["reply_to"]["email"],
        subject=sent["subject"],
        text=sent["text"],
        html=sent["html"],
        headers=sent["headers"],
    ),
    probe={"/api/accounts": Answer(200, [{"id": 1, "name": "Oak", "access_levels": [1000]}])},
    errors={
        "address_unusable": Answer(400, {"errors": ["'to' address is invalid: ana1@example.org"]}),
        "misconfigured": Answer(403, {"errors": ["Forbidden"]}),
        "deferred": Answer(400, {"errors": ["new: ana1@example.org"]}),
    },
)
