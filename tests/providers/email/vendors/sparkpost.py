"""SparkPost's API."""

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, mailbox
from tests.providers.http_server import Answer

SPARKPOST = Vendor(
    code="sparkpost",
    told={"api_key": "spark-1", "webhook_username": "spark", "webhook_password": "horse"},
    path="/api/v1/transmissions/",
    prefix="/api/v1",
    authentic=header("Authorization", "spark-1"),
    unauthorised=Answer(401, {"errors": [{"message": "Unauthorized."}]}),
    taken=lambda sent: Answer(
        200, {"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "11668787484950529"}}
    ),
    received=lambda sent: Received(
        reference=sent["metadata"]["winback"],
        sender=mailbox(sent["content"]["from"]),
        recipient=(
            mailbox(sent["recipients"][0]["address"]["header_to"])[0],
            sent["recipients"][0]["address"]["email"],
        ),
        reply_to=sent["content"]["reply_to"],
        subject=sent["content"]["subject"],
        text=sent["content"]["text"],
        html=sent["content"]["html"],
        headers=sent["content"]["headers"],
    ),
    tracking_off=lambda sent: (
        sent["options"] == {"click_tracking": False, "open_tracking": False, "transactional": False}
    ),
    probe={"/api/v1/account": Answer(200, {"results": {"status": "active", "company_name": "Oak"}})},
    errors={
        "address_unusable": Answer(
            422,
            {
                "errors": [
                    {"message": "required field is missing", "description": "address.email is bad", "code": "5002"}
                ]
            },
        ),
        "suppressed_at_provider": Answer(
            400,
            {
                "errors": [
                    {
                        "message": "Message generation rejected",
                        "description": "recipient address suppressed due to customer policy",
                        "code": "1902",
                    }
                ]
            },
        ),
        "misconfigured": Answer(
            400,
            {
                "errors": [
                    {
                        "message": "Invalid domain",
                        "description": "Unconfigured Sending Domain <oak.example.com>",
                        "code": "7001",
                    }
                ]
            },
        ),
        "deferred": Answer(400, {"errors": [{"message": "new: ana1@example.org", "code": "9999"}]}),
    },
)
