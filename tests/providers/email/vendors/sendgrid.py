"""SendGrid's API."""

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, bearer, named
from tests.providers.http_server import Answer

SENDGRID = Vendor(
    code="sendgrid",
    told={"api_key": "SG.1"},
    path="/v3/mail/send",
    prefix="/v3",
    authentic=bearer("SG.1"),
    unauthorised=Answer(401, {"errors": [{"message": "The provided authorization grant is invalid", "field": None}]}),
    taken=lambda sent: Answer(202, b""),
    received=lambda sent: Received(
        reference=(sent.get("custom_args") or sent["personalizations"][0]["custom_args"])["winback"],
        sender=named(sent["from"]),
        recipient=named(sent["personalizations"][0]["to"][0]),
        reply_to=sent["reply_to_list"][0]["email"],
        subject=sent["subject"],
        text=next(each["value"] for each in sent["content"] if each["type"] == "text/plain"),
        html=next(each["value"] for each in sent["content"] if each["type"] == "text/html"),
        headers=sent["headers"],
    ),
    tracking_off=lambda sent: (
        sent["tracking_settings"]["click_tracking"]["enable"] is False
        and sent["tracking_settings"]["open_tracking"]["enable"] is False
    ),
    probe={"/v3/scopes": Answer(200, {"scopes": ["mail.send"]})},
    errors={
        "address_unusable": Answer(
            400,
            {"errors": [{"message": "Does not contain a valid address.", "field": "personalizations.0.to.0.email"}]},
        ),
        "misconfigured": Answer(
            403,
            {"errors": [{"message": "The from address does not match a verified Sender Identity.", "field": "from"}]},
        ),
        "deferred": Answer(400, {"errors": [{"message": "new: ana1@example.org", "field": "subject"}]}),
    },
)
