"""MailerSend's API."""

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, bearer, listed, named
from tests.providers.http_server import Answer

MAILERSEND = Vendor(
    code="mailersend",
    told={"api_token": "mlsn.1", "signing_secret": "signing-1"},
    path="/v1/email",
    prefix="/v1",
    authentic=bearer("mlsn.1"),
    unauthorised=Answer(401, {"message": "Unauthenticated."}),
    taken=lambda sent: Answer(202, b"", {"X-Message-Id": "5e42957d51f1d94a1070a733", "Content-Type": "text/html"}),
    received=lambda sent: Received(
        reference=sent["tags"][0].removeprefix("winback-"),
        sender=named(sent["from"]),
        recipient=named(sent["to"][0]),
        reply_to=sent["reply_to"]["email"],
        subject=sent["subject"],
        text=sent["text"],
        html=sent["html"],
        headers=listed(sent["headers"]),
    ),
    tracking_off=lambda sent: sent["settings"] == {"track_clicks": False, "track_opens": False},
    probe={"/v1/api-quota": Answer(200, {"quota": 1000, "remaining": 990, "reset": "2026-10-01T00:00:00Z"})},
    errors={
        "address_unusable": Answer(
            422,
            {
                "message": "The to.0.email must be a valid email address.",
                "errors": {"to.0.email": ["The to.0.email must be a valid email address."]},
            },
        ),
        "suppressed_at_provider": Answer(
            202,
            {
                "message": "There are some warnings for your request.",
                "warnings": [
                    {
                        "type": "ALL_SUPPRESSED",
                        "warning": "All of the recipients have been suppressed.",
                        "recipients": [{"email": "ana1@example.org", "name": "Ana", "reasons": ["unsubscribed"]}],
                    }
                ],
            },
        ),
        "misconfigured": Answer(
            422,
            {
                "message": "The from.email domain must be verified in your account to send emails. #MS42207",
                "errors": {"from.email": ["The from.email domain must be verified in your account. #MS42207"]},
            },
        ),
        "deferred": Answer(422, {"message": "new", "errors": {"subject": ["new: ana1@example.org"]}}),
    },
)
