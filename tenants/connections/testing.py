"""A test message through one connection, to a member of the team: that it is one, whoever calls this has looked."""

from datetime import datetime
from uuid import uuid4

from tenants.accounts.models import Brand
from tenants.connections.connecting import open_provider
from tenants.connections.models import Connection
from tenants.journal import audit
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.handing import OneAnswer
from winback.tenancy import acting_for


class NoTest(ValueError):
    """The test was not sent; the message says what to mend."""


def send_test(connection: Connection, *, recipient: str, now: datetime, actor: str) -> None:
    """Send it; raises NoTest, ProviderError. Opens its own scopes: the provider is called outside any transaction."""
    with acting_for(connection.tenant_id):
        brand = connection.brand or Brand.objects.for_tenant(connection.tenant_id).filter(is_default=True).first()
    if brand is None or not brand.sender_email:
        raise NoTest("The brand has no sender address: fill it in under Brands.")
    mail = OutgoingEmail(
        reference=f"test-{uuid4().hex[:12]}",
        sender_name=brand.sender_name or brand.name,
        sender_address=brand.sender_email,
        recipient_name="",
        recipient_address=recipient,
        subject=f"[Test] {connection.label}",
        html=f"<p>This test left through a connection of {connection.provider}.</p>",
        text=f"This test left through a connection of {connection.provider}.",
        reply_to=brand.reply_to,
        headers={},
        date=now,
    )
    answer = OneAnswer()
    with open_provider(connection) as provider:
        if not isinstance(provider, EmailProvider):
            raise NoTest("A test goes by e-mail; a text connection is tried by “Try it now”.")
        provider.send([mail], answer)
    if not answer.taken:
        raise NoTest(f"The provider did not take the test: {answer.detail or 'its fate is unknown'}.")
    with acting_for(connection.tenant_id):
        audit.append(connection.tenant_id, actor=actor, action="connection.test_sent", now=now, subject=connection)
