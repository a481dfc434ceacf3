"""What a gateway has to be told."""

from winback.providers.fields import Field

_POINTER = "A JSON pointer, such as /data/id. Of a form: /name."
DEFAULT_BODY = '{"to": "{to}", "from": "{from}", "text": "{text}", "reference": "{reference}"}'

FIELDS = (
    Field(
        "url", "Address", destination=True,
        help="Where a text is posted; {to}, {from}, {reference} may stand in it, and {secret} where a key goes.",
    ),
    Field("method", "Method", choices=("POST", "PUT", "GET"), default="POST"),
    Field("body_format", "Body is sent as", choices=("json", "form", "query"), default="json"),
    Field(
        "body", "Body", default=DEFAULT_BODY, destination=True,  # {secret} may stand where the recipient reads it
        help="JSON, with {to}, {from}, {text}, {reference} and {callback} in its texts, and {secret} where a key goes.",
    ),
    Field("from_number", "Sender", required=False),
    Field(
        "headers", "Further headers", secret=True, required=False, default="{}", sent_to=("url",),
        help="A JSON object. A key may stand in it, so it is kept like one.",
    ),
    Field("auth", "Signs in by", choices=("none", "basic", "bearer", "header"), default="none"),
    Field("username", "User name", required=False),
    Field("secret", "Password, token or key", secret=True, required=False),
    Field("auth_header", "Header of the key", required=False, default="X-API-Key"),
    Field("id_pointer", "Where the answer has the id", required=False, help=_POINTER),
    Field(
        "error_pointer", "Where the answer has an error", required=False,
        help="For gateways that say no with status 200: something standing here means that it was not taken.",
    ),
    Field("accepted_statuses", "Statuses that accept", required=False, default="200-299"),
    Field(
        "refused_statuses", "Statuses that refuse a recipient", required=False,
        help="Only those that always mean that this number cannot be written to.",
    ),
    Field("trouble_statuses", "Statuses that surely took nothing", required=False, default="429"),
    Field(
        "webhook_auth", "Its reports are shown genuine by", choices=("hmac_sha256", "shared_secret", "basic"),
        default="hmac_sha256",
    ),
    Field("webhook_header", "Header of signature or secret", required=False, default="X-Signature"),
    Field("webhook_secret", "Secret of its reports", secret=True, required=False, sent_to=()),
    Field("webhook_username", "User name of its reports", required=False, secret=True, sent_to=()),
    Field("webhook_password", "Password of its reports", required=False, secret=True, sent_to=()),
    Field("events_pointer", "Where a report has its list", required=False, help="Empty: it is one event, or the list."),
    Field("status_pointer", "Where an event has the status", required=False, help=_POINTER),
    Field("status_id_pointer", "… our text's id at the gateway", required=False, help=_POINTER),
    Field("status_reference_pointer", "… our reference", required=False, help=_POINTER),
    Field("status_error_pointer", "… the error", required=False, help=_POINTER),
    Field(
        "statuses", "What its statuses mean", required=False,
        default='{"delivered": "delivered", "sent": "accepted", "failed": "failed", "undelivered": "bounced"}',
        help="A JSON object of its words (case does not matter) and ours: accepted, delivered, bounced, failed.",
    ),
    Field(
        "dead_errors", "Errors that mean that the number is dead", required=False, help="Codes, commas between.",
    ),
    Field("text_pointer", "Where an event has a person's text", required=False, help=_POINTER),
    Field("text_from_pointer", "… the person's number", required=False, help=_POINTER),
    Field("text_to_pointer", "… our number", required=False, help=_POINTER),
    Field("text_id_pointer", "… the text's id", required=False, help=_POINTER),
)  # fmt: skip
