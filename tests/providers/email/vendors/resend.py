"""Resend's API."""

import json

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, bearer, mailbox
from tests.providers.http_server import Answer

RESEND = Vendor(
    code="resend",
    told={"api_key": "re_1", "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    path="/emails",
    authentic=bearer("re_1"),
    unauthorised=Answer(403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid"}),
    taken=lambda sent: Answer(200, {"id": f"id-of-{sent['subject']}"}),
    received=lambda sent: Received(
        reference=json.loads(sent["headers"]["X-Metadata"])["winback"],
        sender=mailbox(sent["from"]),
        recipient=mailbox(sent["to"][0]),
        reply_to=sent["reply_to"][0],
        subject=sent["subject"],
        text=sent["text"],
        html=sent["html"],
        headers=sent["headers"],
    ),
    probe={"/domains": Answer(200, {"data": [{"name": "oak.example.com", "status": "verified"}]})},
    errors={
        "address_unusable": Answer(
            422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field. ana1@example.org"}
        ),
        "misconfigured": Answer(
            403,
            {"statusCode": 403, "name": "validation_error", "message": "The oak.example.com domain is not verified."},
        ),
        "deferred": Answer(422, {"statusCode": 422, "name": "invalid_parameter", "message": "for ana1@example.org"}),
    },
)
