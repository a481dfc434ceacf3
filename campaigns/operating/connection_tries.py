"""Trying one connection: whether it answers, and a test through it. Each is a task that says what became of it.

An e-mail goes to a member of the team, a text to a phone that somebody names: never to one that said stop.
"""

from datetime import datetime, timedelta

from campaigns.audience.addresses import address_hmac, phone_e164, textable
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.tracking import replying
from tenants.access.models import Membership
from tenants.accounts.models import Tenant
from tenants.activation import activating
from tenants.connections import testing
from tenants.connections.connecting import open_provider
from tenants.connections.models import Connection
from tenants.journal import tasks
from tenants.journal.models import Task
from winback.encryption import UndecipherableSecret
from winback.providers.errors import ProviderError
from winback.tenancy import acting_for

PROBE = "probe_connection"
TEST = "test_connection"
TEXT = "test_text"
KINDS = (PROBE, TEST, TEXT)
MOST_AN_HOUR = 10
"""These doors write to people who expect it, for trying a connection, and no more than that."""


class NoTestThere(ValueError):
    """No test goes there; the message says why."""


class NotANumber(NoTestThere):
    """What was given is no telephone number at all."""


def ask(connection: Connection, to: str, *, now: datetime, actor: str) -> Task:
    """A task that sends a test, for the caller to enqueue; raises NoTestThere. Inside the tenant's scope."""
    kind = TEXT if connection.kind == "sms" else TEST
    address = _number(to, connection.tenant) if kind == TEXT else to.strip()
    why = why_not(connection, address)
    if why:
        raise NoTestThere(why)
    lately = Task.objects.for_tenant(connection.tenant_id).filter(kind=kind, created_at__gt=now - timedelta(hours=1))
    if lately.count() >= MOST_AN_HOUR:
        raise NoTestThere(f"{MOST_AN_HOUR} tests were sent in the last hour: wait a while.")
    return _queue(connection, kind, f"Test of {connection.label}", now=now, actor=actor, to=address)


def ask_probe(connection: Connection, *, now: datetime, actor: str) -> Task:
    """A task that asks whether the connection answers, for the caller to enqueue. Inside the tenant's scope."""
    return _queue(connection, PROBE, f"Try of {connection.label}", now=now, actor=actor)


def carry_out(tenant: Tenant, task_id: int, *, now: datetime) -> Task:
    """Send the test, or ask the provider; what became of it stands in the task, and the address does not stay there.

    Opens its own scopes, because the provider is called outside any transaction. Run twice, the second does nothing.
    """
    with acting_for(tenant.pk):
        task = Task.objects.for_tenant(tenant).get(pk=task_id)
        if not tasks.start(task, now=now):
            return task
        to = task.arguments.pop("to", "")
        task.save(update_fields=["arguments"])
        rows = Connection.objects.for_tenant(tenant).select_related("tenant", "brand")
        connection = rows.get(pk=task.arguments["connection"])
        error = why_not(connection, to) if task.kind != PROBE else ""
    result: dict[str, object] = {"sent": 1}
    if not error:
        try:
            if task.kind == PROBE:
                error, result = _probe(connection)
            else:
                testing.send_test(connection, recipient=to, now=now, actor=task.created_by)
        except (testing.NoTest, ProviderError, UndecipherableSecret) as reason:
            error = str(reason)
    with acting_for(tenant.pk):
        if error:
            tasks.fail(task, now=now, error=error)
        else:
            tasks.finish(task, now=now, result=result)
        task.refresh_from_db()
    if task.kind == PROBE:
        activating.look_again(tenant, now=now, by_hand=True)
    return task


def why_not(connection: Connection, address: str) -> str:
    """Why no test may go to this address; empty when one may. Inside the tenant's scope."""
    tenant = connection.tenant
    if connection.kind != "sms":
        members = Membership.objects.for_tenant(tenant).filter(user__email__iexact=address, user__is_active=True)
        if members.exists() and address:
            return ""
        return f"This is no address of a member of {tenant.name}: test e-mails go to the team alone."
    digest = address_hmac(address)
    everywhere = PlatformSuppression.objects.filter(address_hmac=digest, channel__in=("sms", "all"), lifted_at=None)
    if everywhere.exists() or replying.stops(tenant, digest).exists():
        return "This number gets no texts: it is suppressed. If it said stop, it can text START."
    return ""


def _number(to: str, tenant: Tenant) -> str:
    number = phone_e164(to, tenant.country)
    if number is None:
        raise NotANumber(f"“{to}” is no telephone number: write it as +1 312 555 0142, or as it is dialled at home.")
    if not textable(number):
        raise NoTestThere("This is no mobile: texts do not arrive there.")
    return number


def _probe(connection: Connection) -> tuple[str, dict[str, object]]:
    with open_provider(connection) as provider:
        answer = provider.probe()
    if not answer.ok:
        return answer.detail or "The provider does not answer.", {}
    return "", {"found": answer.detail or "It answers."}


def _queue(connection: Connection, kind: str, title: str, *, now: datetime, actor: str, **more: str) -> Task:
    arguments = {"connection": connection.pk, **more}
    return tasks.queue(connection.tenant, kind, title, now=now, arguments=arguments, created_by=actor)
