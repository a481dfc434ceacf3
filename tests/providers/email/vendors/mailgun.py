"""Mailgun's API."""

from email import message_from_bytes, policy

from tests.providers.email.contract import Received
from tests.providers.email.vendors.vendor import Vendor, header, mailbox
from tests.providers.http_server import Answer, Request

BASIC = "Basic YXBpOmtleS0x"  # api:key-1


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
    authentic=header("Authorization", BASIC),
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
