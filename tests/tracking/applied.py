"""Messages that are reported on, and what they are once the reports are applied."""

from datetime import timedelta
from typing import Any

from campaigns.audience.addresses import address_hmac
from campaigns.audience.models import Contact, Suppression
from campaigns.planning.models import Message
from campaigns.tracking import applying
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.factories import NOW
from tests.tracking.making import make_reached

EMAIL = "robin@example.com"
LATER = NOW + timedelta(days=3650)  # the webhook's own clock is the real one


def reached(tenant: Tenant, connection: Connection, email: str = EMAIL, **fields: Any) -> Message:
    """A message that this connection has handed over to that address."""
    made = make_reached(tenant, email=email)
    Contact.objects.filter(pk=made.contact_id).update(email_hmac=address_hmac(email))
    Message.objects.filter(pk=made.pk).update(
        **({"connection": connection, "address_hmac": address_hmac(email)} | fields)
    )
    made.refresh_from_db()
    return made


def apply(tenant: Tenant) -> tuple[int, int]:
    """Of the reports that wait, how many were applied and how many are about nothing of ours."""
    done = applying.apply(tenant, now=LATER)
    return done.applied, done.ignored


def seen(message: Message) -> tuple[str, str]:
    """Its state and reason now."""
    message.refresh_from_db()
    return message.state, message.reason


def suppressed(tenant: Tenant) -> set[tuple[str, str, bool]]:
    """Channel, reason, and whether it is of one brand alone."""
    rows = Suppression.objects.for_tenant(tenant).filter(lifted_at=None)
    return {(row.channel, row.reason, row.brand_id is not None) for row in rows}
