"""Scaleway's API."""

import json

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, listed, named
from tests.providers.http_server import Answer

SCALEWAY = Vendor(
    code="scaleway",
    told={"secret_key": "scw-1", "project_id": "11111111-2222-3333-4444-555555555555"},
    path="/emails",
    authentic=header("X-Auth-Token", "scw-1"),
    unauthorised=Answer(401, {"type": "denied_authentication", "message": "authentication is denied"}),
    taken=lambda sent: Answer(
        200, {"emails": [{"id": "e-1", "mail_rcpt": sent["to"][0]["email"], "status": "sending"}]}
    ),
    received=lambda sent: Received(
        reference=json.loads(listed(sent["additional_headers"], name="key")["X-Metadata"])["winback"],
        sender=named(sent["from"]),
        recipient=named(sent["to"][0]),
        reply_to=listed(sent["additional_headers"], name="key")["Reply-To"],
        subject=sent["subject"],
        text=sent["text"],
        html=sent["html"],
        headers=listed(sent["additional_headers"], name="key"),
    ),
    probe={"/domains": Answer(200, {"total_count": 1, "domains": [{"name": "oak.example.com", "status": "checked"}]})},
    errors={
        "address_unusable": Answer(
            400,
            {
                "type": "invalid_arguments",
                "message": "invalid argument(s)",
                "details": [{"argument_name": "to", "reason": "constraint"}],
            },
        ),
        "misconfigured": Answer(403, {"type": "quotas_exceeded", "message": "quota(s) exceeded for this resource"}),
        "deferred": Answer(400, {"type": "precondition_failed", "message": "new: ana1@example.org"}),
    },
)
