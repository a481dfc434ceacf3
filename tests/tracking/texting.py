"""People who write back, and what they get to read."""

from datetime import datetime
from itertools import count
from typing import Any

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.planning.models import Message
from campaigns.tracking import thread_outbox
from campaigns.tracking.replying import Received, receive_text
from campaigns.tracking.thread_models import Conversation
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.models import Connection
from tests import factories
from tests.tracking.making import make_reached
from winback.providers.receiving import Report, ReportKind
from winback.providers.sms.fake import FakeSmsProvider

NUMBER = "+13125550182"
_keys = count(1)


def sms_connection(tenant: Tenant, **options: Any) -> Connection:
    return connect(tenant, kind="sms", provider="fake", now=factories.NOW, actor="test", options=options)


def written_to(tenant: Tenant, *, number: str = NUMBER, **contact: Any) -> Message:
    """A customer who got a text, with the next step planned."""
    return make_reached(
        tenant, channel="sms", phone=number, phone_key=number, phone_hmac=address_hmac(number), **contact
    )


def also_at(tenant: Tenant, *, number: str = NUMBER, **contact: Any) -> Contact:
    """Somebody else with the same number."""
    return factories.make_contact(tenant, phone=number, phone_key=number, phone_hmac=address_hmac(number), **contact)


def text(tenant: Tenant, body: str, *, now: datetime = factories.NOW, **more: Any) -> Received:
    """A text comes in."""
    connection = more.pop("connection", None) or Connection.objects.for_tenant(tenant).filter(kind="sms").first()
    told: dict[str, Any] = {
        "kind": ReportKind.REPLIED,
        "key": f"in-SM{next(_keys)}",
        "address": NUMBER,
        "sent_to": "+15005550006",
        "occurred_at": now,
    }
    return receive_text(tenant, connection=connection, report=Report(**(told | {"text": body} | more)), now=now)


def answers(tenant: Tenant, *, now: datetime = factories.NOW) -> list[tuple[str, str]]:
    """To whom and what has left, once everything due was sent."""
    FakeSmsProvider.sent.clear()
    thread_outbox.send_due(tenant, now=now)
    return [(each.recipient, each.body) for each in FakeSmsProvider.sent]


def in_force(tenant: Tenant) -> set[tuple[str, str]]:
    """Channel and reason of each suppression that holds."""
    rows = Suppression.objects.for_tenant(tenant).filter(lifted_at=None)
    return set(rows.values_list("channel", "reason"))


def conversation(tenant: Tenant) -> Conversation:
    """The one that there is."""
    return Conversation.objects.for_tenant(tenant).get()
