"""Which way a message leaves: the tenant's connection for its channel, and the words in the provider's form."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from campaigns.audience.models import Channel
from campaigns.delivery.rendering import Rendered
from tenants.accounts.models import Tenant
from tenants.connections.connecting import active_connection, open_provider
from tenants.connections.models import Connection
from winback.encryption import UndecipherableSecret
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.errors import ProviderMisconfigured
from winback.providers.handing import Witness
from winback.providers.sms import segments
from winback.providers.sms.base import OutgoingSms, SmsProvider

_PREFIX = "wb-"


class Leaving(Protocol):
    """A message that may leave: its facts and its words."""

    @property
    def facts(self) -> Mapping[str, Any]: ...

    @property
    def rendered(self) -> Rendered: ...


def reference_of(message_id: int) -> str:
    """Our name for a message at every provider; its reports bring it back."""
    return f"{_PREFIX}{message_id}"


def message_id_of(reference: str) -> int:
    return int(reference.removeprefix(_PREFIX))


def connection_for(tenant: Tenant, channel: str, brand_id: int | None = None) -> Connection | None:
    """The connection that carries a brand's messages over this channel now, the first in order that is in use.

    None when there is none. A message that was begun stays with its connection: nothing asks here for it again.
    """
    return active_connection(tenant, channel, brand_id)


def headers(facts: Mapping[str, Any]) -> dict[str, str]:
    """The headers of a marketing e-mail: one-click unsubscribe (RFC 8058) and the sender's own feedback loop."""
    return {
        "List-Unsubscribe": f"<{facts['unsubscribe_url']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"{facts['campaign_id']}:{facts['brand_id']}:{facts['tenant_id']}:winback",
    }


def outgoing_email(facts: Mapping[str, Any], rendered: Rendered, *, now: datetime) -> OutgoingEmail:
    """The e-mail as a provider takes it."""
    return OutgoingEmail(
        reference=reference_of(facts["id"]),
        sender_name=facts["sender_name"] or facts["brand_name"],
        sender_address=facts["sender_email"],
        recipient_name=f"{facts['first_name']} {facts['last_name']}".strip(),
        recipient_address=facts["email"],
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to=facts["reply_to"],
        headers=headers(facts),
        date=now,
    )


def outgoing_sms(facts: Mapping[str, Any], rendered: Rendered) -> OutgoingSms:
    """The text as a provider takes it, in plain characters where they look the same: curly quotes cost a segment."""
    return OutgoingSms(
        reference=reference_of(facts["id"]), recipient=facts["phone"], body=segments.plainer(rendered.text)
    )


class Carrier:
    """An open connection that takes messages in order and tells the witness about each."""

    def __init__(self, provider: EmailProvider | SmsProvider, *, now: datetime) -> None:
        self._provider = provider
        self._now = now

    def carry(self, items: Sequence[Leaving], witness: Witness) -> None:
        """Raises ProviderTrouble when the rest cannot be tried."""
        if isinstance(self._provider, SmsProvider):
            self._provider.send([outgoing_sms(item.facts, item.rendered) for item in items], witness)
        else:
            self._provider.send([outgoing_email(item.facts, item.rendered, now=self._now) for item in items], witness)


class DryRun(Carrier):
    """Takes everything and sends nothing: for a run that is rolled back."""

    def __init__(self) -> None:
        """Without a provider."""

    def carry(self, items: Sequence[Leaving], witness: Witness) -> None:
        for item in items:
            reference = reference_of(item.facts["id"])
            witness.starting(reference)
            witness.handed_over(reference, f"dry-run-{reference}")


@contextmanager
def opened(connection: Connection, *, now: datetime, deliver: bool) -> Iterator[Carrier]:
    """The carrier of a connection, closed at the end. Raises ProviderMisconfigured when it cannot be opened."""
    if not deliver:
        yield DryRun()
        return
    try:
        account = open_provider(connection)
    except UndecipherableSecret as error:
        raise ProviderMisconfigured(error) from error
    with account as provider:
        yield Carrier(provider, now=now)


def cost_minor(connection: Connection, channel: str, segment_count: int | None) -> int:
    """What a message costs, by ``price_minor`` in the connection's settings: for a mail, or for a segment of a text."""
    price = connection.settings.get("price_minor") or 0
    try:
        each = int(price)
    except (TypeError, ValueError):
        return 0
    return each * (segment_count or 1) if channel == Channel.SMS else each
