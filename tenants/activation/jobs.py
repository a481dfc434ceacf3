"""What RQ workers run for activation: each job reads the clock once and makes one call."""

import base64

from django.utils import timezone

from tenants.accounts.models import Tenant
from tenants.activation import activating
from tenants.connections import domain_evidence, domains, rotating
from tenants.connections.models import Connection
from tenants.journal import tasks
from tenants.journal.models import Task
from winback.tenancy import acting_for


def look_again(*, tenant: int) -> None:
    """Probe everything that a tenant has connected, outside any transaction, and look again at its modules."""
    activating.look_again(Tenant.objects.get(pk=tenant), now=timezone.now(), by_hand=True)


def try_proposed(*, tenant: int, connection: int, actor: str) -> None:
    """Try the new credentials and settings of a connection, and look again at what depends on it."""
    now = timezone.now()
    business = Tenant.objects.get(pk=tenant)
    with acting_for(tenant):
        row = Connection.objects.for_tenant(tenant).get(pk=connection)
    rotating.try_proposed(row, now=now, actor=actor)
    activating.look_again(business, now=now)


def look_up_domains(*, tenant: int) -> None:
    """Look up the DNS of the domains that e-mail is from, because a person asks."""
    now = timezone.now()
    business = Tenant.objects.get(pk=tenant)
    with acting_for(tenant):
        names = domain_evidence.domains_of(business)
    for name in names:
        domains.look_up(business, now=now, only=name)
    activating.look_again(business, now=now)


def check_message(*, tenant: int, task: int) -> None:
    """Check a message that was brought to the console; it is not kept."""
    now = timezone.now()
    business = Tenant.objects.get(pk=tenant)
    with acting_for(tenant):
        work = Task.objects.for_tenant(tenant).get(pk=task)
        if not tasks.start(work, now=now):
            return
        raw = base64.b64decode(work.arguments["message"])
        Task.objects.for_tenant(tenant).filter(pk=task).update(arguments={})
    try:
        row, found = domains.check_message(business, raw, now=now)
        error = found.undecided
    except domains.NoDomain as reason:
        error = str(reason)
    with acting_for(tenant):
        if error:
            tasks.fail(work, now=timezone.now(), error=error)
            return
        tasks.finish(work, now=timezone.now(), result={"domain": row.domain, "state": row.message_state})
        activating.reevaluate(business, now=now)
