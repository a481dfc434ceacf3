"""Unisender Go's API."""

from typing import Any

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header
from tests.providers.http_server import Answer


def _error(code: int, message: str, **more: Any) -> Answer:
    return Answer(400, {"status": "error", "code": code, "message": message, **more})


UNISENDER_GO = Vendor(
    code="unisender-go",
    told={"api_key": "uni-1"},
    path="/en/transactional/api/v1/email/send.json",
    prefix="/en/transactional/api/v1",
    authentic=header("X-API-KEY", "uni-1"),
    unauthorised=Answer(401, {"status": "error", "code": 114, "message": "User not found"}),
    taken=lambda sent: Answer(
        200, {"status": "success", "job_id": "1ZymBc-00041N-9X", "emails": [sent["message"]["recipients"][0]["email"]]}
    ),
    received=lambda sent: Received(
        reference=sent["message"]["global_metadata"]["winback"],
        sender=(sent["message"]["from_name"], sent["message"]["from_email"]),
        recipient=(
            sent["message"]["recipients"][0]["substitutions"]["to_name"],
            sent["message"]["recipients"][0]["email"],
        ),
        reply_to=sent["message"]["reply_to"],
        subject=sent["message"]["subject"],
        text=sent["message"]["body"]["plaintext"],
        html=sent["message"]["body"]["html"],
        headers=sent["message"]["headers"],
    ),
    tracking_off=lambda sent: (sent["message"]["track_links"], sent["message"]["track_read"]) == (0, 0),
    probe={
        "/en/transactional/api/v1/system/info.json": Answer(200, {"status": "success", "user_id": 7, "email": "o@e.io"})
    },
    errors={
        "address_unusable": _error(204, "no valid emails", failed_emails={"ana1@example.org": "invalid"}),
        "suppressed_at_provider": _error(204, "no valid emails", failed_emails={"ana1@example.org": "unsubscribed"}),
        "refused_for_now": _error(204, "no valid emails", failed_emails={"ana1@example.org": "temporary_unavailable"}),
        "misconfigured": _error(213, "From email domain is not confirmed"),
        "deferred": _error(999, "new: ana1@example.org"),
    },
)
