"""A test through one connection, to a member of the team: that it is one, whoever calls this has looked.

An e-mail goes to their own address; a text to the phone that they named (campaigns/operating/connection_tries.py asks
whether it may be written to, because what people said of texts stands above here).
"""

from datetime import datetime
from uuid import uuid4

from tenants.accounts.models import Brand
from tenants.connections.connecting import open_provider
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.handing import OneAnswer
from winback.providers.sms.base import OutgoingSms
from winback.providers.sms.segments import plainer
from winback.tenancy import acting_for


class NoTest(ValueError):
    """The test was not sent; the message says what to mend."""


def send_test(connection: Connection, *, recipient: str, now: datetime, actor: str) -> None:
    """Send it; raises NoTest, ProviderError. Opens its own scopes: the provider is called outside any transaction.

    ``recipient`` is an address, or for a connection that carries texts a number in E.164.
    """
    with acting_for(connection.tenant_id):
        brand = connection.brand or Brand.objects.for_tenant(connection.tenant_id).filter(is_default=True).first()
    if brand is None:
        raise NoTest("There is no brand that it could be from: make one under Brands.")
    answer = OneAnswer()
    with open_provider(connection) as provider:
        if isinstance(provider, EmailProvider):
            provider.send([_mail(connection, brand, recipient, now=now)], answer)
        else:
            provider.send([_text(connection, brand, recipient)], answer)
    if not answer.taken:
        raise NoTest(f"The provider did not take the test: {answer.detail or 'its fate is unknown'}.")
    with acting_for(connection.tenant_id):
        audit.append(connection.tenant_id, actor=actor, action="connection.test_sent", now=now, subject=connection)


def _mail(connection: Connection, brand: Brand, recipient: str, *, now: datetime) -> OutgoingEmail:
    if not brand.sender_email:
        raise NoTest("The brand has no sender address: fill it in under Brands.")
    said = f"This test left through a connection of {connection.provider}."
    return OutgoingEmail(
        reference=_reference(),
        sender_name=brand.sender_name or brand.name,
        sender_address=brand.sender_email,
        recipient_name="",
        recipient_address=recipient,
        subject=f"[Test] {connection.label}",
        html=f"<p>{said}</p>",
        text=said,
        reply_to=brand.reply_to,
        headers={},
        date=now,
    )


def _text(connection: Connection, brand: Brand, recipient: str) -> OutgoingSms:
    body = f"[Test] {brand.sms_name or brand.name}: this text left through a connection of {connection.provider}."
    return OutgoingSms(reference=_reference(), recipient=recipient, body=f"{plainer(body)} Reply STOP to get no texts.")


def _reference() -> str:
    return f"test-{uuid4().hex[:12]}"
