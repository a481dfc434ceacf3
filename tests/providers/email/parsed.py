"""Read a message back with the standard library, which knows nothing of our serialiser."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.providers.email.contract import Received


def parse(content: bytes) -> EmailMessage:
    parsed = message_from_bytes(content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def received(content: bytes) -> Received:
    """The message, with the reference from its Message-ID."""
    parsed = parse(content)
    assert not parsed.defects
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    sender, recipient = parsed["From"].addresses[0], parsed["To"].addresses[0]
    return Received(
        reference=str(parsed["Message-ID"]).strip("<>").partition("@")[0],
        sender=(sender.display_name, sender.addr_spec),
        recipient=(recipient.display_name, recipient.addr_spec),
        reply_to=str(parsed["Reply-To"]),
        subject=str(parsed["Subject"]),
        text=text.get_content(),
        html=html.get_content(),
        headers={name: str(value) for name, value in parsed.items()},
    )
