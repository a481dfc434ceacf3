"""Every service of django-anymail, Amazon SES (moto) and Postmark (a test module of its own) apart."""

import json
from collections.abc import Callable
from email import message_from_bytes, policy
from typing import Any

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, listed, mailbox, named
from tests.providers.http_server import Answer, Request

BASIC = "Basic YXBpOmtleS0x"  # api:key-1


def _bearer(token: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get("Authorization") == f"Bearer {token}"


def _header(name: str, value: str) -> Callable[[Request], bool]:
    return lambda request: request.headers.get(name) == value


def _form(request: Request) -> dict[str, str]:
    """The fields of a form of either kind."""
    kind = request.headers["Content-Type"]
    if not kind.startswith("multipart/"):
        return request.form()
    parsed = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body, policy=policy.default)
    fields = {}
    for part in parsed.iter_parts():
        name = part["Content-Disposition"].params["name"]
        fields[name] = str(part.get_content())
    return fields


MAILGUN = Vendor(
    code="mailgun",
    told={"api_key": "key-1", "domain": "mg.oak.example.com", "webhook_signing_key": "signing-1"},
    path="/v3/mg.oak.example.com/messages",
    prefix="/v3",
    authentic=_header("Authorization", BASIC),
    unauthorised=Answer(401, b"Forbidden"),
    body=_form,
    taken=lambda form: Answer(
        200, {"id": f"<{form['v:winback']}@mg.oak.example.com>", "message": "Queued. Thank you."}
    ),
    received=lambda form: Received(
        reference=form["v:winback"],
        sender=mailbox(form["from"]),
        recipient=mailbox(form["to"]),
        reply_to=form["h:Reply-To"],
        subject=form["subject"],
        text=form["text"],
        html=form["html"],
        headers={name.removeprefix("h:"): value for name, value in form.items() if name.startswith("h:")},
    ),
    tracking_off=lambda form: (form["o:tracking-clicks"], form["o:tracking-opens"]) == ("no", "no"),
    probe={"/v3/domains/mg.oak.example.com": Answer(200, {"domain": {"state": "active", "type": "custom"}})},
    errors={
        "address_unusable": Answer(400, {"message": "to parameter is not a valid address. please check documentation"}),
        "misconfigured": Answer(404, {"message": "Domain not found: mg.oak.example.com"}),
        "deferred": Answer(400, {"message": "something new about ana1@example.org"}),
    },
)

RESEND = Vendor(
    code="resend",
    told={"api_key": "re_1", "signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    path="/emails",
    authentic=_bearer("re_1"),
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

BREVO = Vendor(
    code="brevo",
    told={"api_key": "xkeysib-1", "webhook_username": "brevo", "webhook_password": "horse"},
    path="/v3/smtp/email",
    prefix="/v3",
    authentic=_header("api-key", "xkeysib-1"),
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

MAILERSEND = Vendor(
    code="mailersend",
    told={"api_token": "mlsn.1", "signing_secret": "signing-1"},
    path="/v1/email",
    prefix="/v1",
    authentic=_bearer("mlsn.1"),
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


def _mailjet(sent: Any) -> Any:
    return {**sent["Globals"], **sent["Messages"][0]}


def _mailjet_error(code: str, message: str, about: str, status: int = 400) -> Answer:
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
    authentic=_header("Authorization", BASIC),
    unauthorised=Answer(401, {"ErrorMessage": "API key authentication/authorization failure.", "StatusCode": 401}),
    taken=lambda sent: Answer(
        200,
        {
            "Messages": [
                {
                    "Status": "success",
                    "CustomID": _mailjet(sent)["CustomID"],
                    "To": [{"Email": _mailjet(sent)["To"][0]["Email"], "MessageID": 1152921504000000001}],
                    "Cc": [],
                    "Bcc": [],
                }
            ]
        },
    ),
    received=lambda sent: Received(
        reference=json.loads(_mailjet(sent)["EventPayload"])["winback"],
        sender=named(_mailjet(sent)["From"], name="Name", address="Email"),
        recipient=named(_mailjet(sent)["To"][0], name="Name", address="Email"),
        reply_to=_mailjet(sent)["ReplyTo"]["Email"],
        subject=_mailjet(sent)["Subject"],
        text=_mailjet(sent)["TextPart"],
        html=_mailjet(sent)["HTMLPart"],
        headers=_mailjet(sent)["Headers"],
    ),
    tracking_off=lambda sent: (
        (_mailjet(sent)["TrackClicks"], _mailjet(sent)["TrackOpens"]) == ("disabled", "disabled")
        and _mailjet(sent)["CustomID"] == "ref-1"
    ),
    probe={"/v3/REST/sender": Answer(200, {"Count": 1, "Data": [{"Email": "*@oak.example.com", "Status": "Active"}]})},
    errors={
        "address_unusable": _mailjet_error("mj-0013", '"ana1@example.org" is an invalid email address.', "To[0].Email"),
        "misconfigured": _mailjet_error("send-0008", "From email is not an authorized sender.", "From"),
        "deferred": _mailjet_error("mj-9999", "new: ana1@example.org", "Subject"),
    },
)

MAILTRAP = Vendor(
    code="mailtrap",
    told={"api_token": "trap-1", "webhook_username": "trap", "webhook_password": "horse"},
    path="/api/send",
    prefix="/api",
    authentic=_header("Api-Token", "trap-1"),
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

SPARKPOST = Vendor(
    code="sparkpost",
    told={"api_key": "spark-1", "webhook_username": "spark", "webhook_password": "horse"},
    path="/api/v1/transmissions/",
    prefix="/api/v1",
    authentic=_header("Authorization", "spark-1"),
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


def _postal(code: str, message: str = "") -> Answer:
    return Answer(200, {"status": "error", "time": 0.1, "flags": {}, "data": {"code": code, "message": message}})


POSTAL = Vendor(
    code="postal",
    told={"api_key": "postal-1"},
    path="/api/v1/send/message",
    authentic=_header("X-Server-API-Key", "postal-1"),
    unauthorised=_postal("InvalidServerAPIKey", "The API token provided in X-Server-API-Key was not valid."),
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
    probe={"/api/v1/messages/message": _postal("MessageNotFound", "No message found matching provided ID")},
    errors={
        "address_unusable": _postal("NoRecipients", "There are no recipients defined to receive this message"),
        "misconfigured": _postal("UnauthenticatedFromAddress", "The From address is not authorised to send mail"),
        "deferred": _postal("SomethingNew", "about ana1@example.org"),
    },
)

SCALEWAY = Vendor(
    code="scaleway",
    told={"secret_key": "scw-1", "project_id": "11111111-2222-3333-4444-555555555555"},
    path="/emails",
    authentic=_header("X-Auth-Token", "scw-1"),
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


def _unisender_error(code: int, message: str, **more: Any) -> Answer:
    return Answer(400, {"status": "error", "code": code, "message": message, **more})


UNISENDER_GO = Vendor(
    code="unisender-go",
    told={"api_key": "uni-1"},
    path="/en/transactional/api/v1/email/send.json",
    prefix="/en/transactional/api/v1",
    authentic=_header("X-API-KEY", "uni-1"),
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
        "address_unusable": _unisender_error(204, "no valid emails", failed_emails={"ana1@example.org": "invalid"}),
        "suppressed_at_provider": _unisender_error(
            204, "no valid emails", failed_emails={"ana1@example.org": "unsubscribed"}
        ),
        "refused_for_now": _unisender_error(
            204, "no valid emails", failed_emails={"ana1@example.org": "temporary_unavailable"}
        ),
        "misconfigured": _unisender_error(213, "From email domain is not confirmed"),
        "deferred": _unisender_error(999, "new: ana1@example.org"),
    },
)

SENDGRID = Vendor(
    code="sendgrid",
    told={"api_key": "SG.1"},
    path="/v3/mail/send",
    prefix="/v3",
    authentic=_bearer("SG.1"),
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

VENDORS = (
    MAILGUN, RESEND, BREVO, MAILERSEND, MAILJET, MAILTRAP, SPARKPOST, POSTAL, SCALEWAY, UNISENDER_GO, SENDGRID
)  # fmt: skip
