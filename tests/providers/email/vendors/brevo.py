"""Brevo's API."""

import json

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, named
from tests.providers.http_server import Answer

BREVO = Vendor(
    code="brevo",
    told={"api_key": "xkeysib-1", "webhook_username": "brevo", "webhook_password": "horse"},
    path="/v3/smtp/email",
    prefix="/v3",
    authentic=header("api-key", "xkeysib-1"),
    unauthorised=Answer(401, {"message": "Key not found", "code": "unauthorized"}),
    taken=lambda sent: Answer(201, {"messageId": "<202609301200.1@smtp-relay.mailin.fr>"}),
    received=lambda sent: Received(
        reference=json.loads(sent["headers"]["X-Mailin-custom"])["winback"],
        sender=named(sent["sender"]),
        recipient=named(sent["to"][0]),
        reply_to=sent["replyTo"]["email"],
        subject=sent["subject"],
        text=sent["textContent"],
        html=sent["htmlContent"],
        headers=sent["headers"],
    ),
    probe={
        "/v3/account": Answer(
            200,
            {
                "companyName": "Oak",
                "plan": [{"type": "free", "credits": 290, "creditsType": "sendLimit"}],
                "relay": {"enabled": True},
            },
        )
    },
    errors={
        "address_unusable": Answer(400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
        "misconfigured": Answer(402, {"code": "not_enough_credits", "message": "Insufficient credits"}),
        "deferred": Answer(400, {"code": "out_of_range", "message": "new: ana1@example.org"}),
    },
)
