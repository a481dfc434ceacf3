"""A test text through one connection, to a phone that somebody of the team names: never to one that said stop."""

from datetime import datetime, timedelta

from campaigns.audience.addresses import address_hmac, phone_e164, textable
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.tracking import replying
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tenants.journal import tasks
from tenants.journal.models import Task

KIND = "test_text"
MOST_AN_HOUR = 10
"""This door writes to numbers that nobody imported: it is for trying a connection, and no more than that."""


class NoTestText(ValueError):
    """No test goes to this number; the message says why."""


def ask(connection: Connection, told: str, *, now: datetime, actor: str) -> Task:
    """A task that sends the test, for the caller to enqueue; raises NoTestText. Inside the tenant's scope."""
    tenant = connection.tenant
    number = phone_e164(told, tenant.country)
    if number is None:
        raise NoTestText(f"“{told}” is no telephone number: write it as +1 312 555 0142, or as it is dialled at home.")
    if not textable(number):
        raise NoTestText("This is no mobile: texts do not arrive there.")
    why = why_not(tenant, number)
    if why:
        raise NoTestText(why)
    lately = Task.objects.for_tenant(tenant).filter(kind=KIND, created_at__gt=now - timedelta(hours=1)).count()
    if lately >= MOST_AN_HOUR:
        raise NoTestText(f"{MOST_AN_HOUR} tests were sent in the last hour: wait a while.")
    return tasks.queue(
        tenant,
        KIND,
        f"Test text of {connection.label}",
        now=now,
        arguments={"connection": connection.pk, "number": number},
        created_by=actor,
    )


def why_not(tenant: Tenant, number: str) -> str:
    """Why no text may go to this number; empty when one may. Inside the tenant's scope."""
    digest = address_hmac(number)
    everywhere = PlatformSuppression.objects.filter(address_hmac=digest, channel__in=("sms", "all"), lifted_at=None)
    if everywhere.exists() or replying.stops(tenant, digest).exists():
        return "This number gets no texts: it is suppressed. If it said stop, it can text START."
    return ""
