"""What is not ours to remove when somebody is erased, and what to do about it."""

from typing import Any

from campaigns.audience.people import People
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import LOCAL
from tenants.connections.models import Connection
from tenants.webhooks.models import WebhookEndpoint

WHAT_TO_DO = {
    "provider": "It keeps its own copy of what was sent, and a list of addresses: ask it to erase them there.",
    "endpoint": "Your system is told of it (contact.erased): see to it that it forgets the person, too.",
    "backups": "Backups from before still have the person: let them expire as planned, and after a restore erase "
    "everybody again who is listed under Erasures since then.",
    "files": "The files that were imported, and what was exported or downloaded, are where you keep them.",
    "hosts": "Files on hosts where no scheduler of winback runs: run “manage.py tidy_host” there.",
    "source": "Your own customer system: remove the person there, or the next file names them again (and is refused).",
}


def of(tenant: Tenant, people: People) -> list[dict[str, Any]]:
    """By code, with the provider or system where there is one. Inside the tenant's scope."""
    used = Message.objects.for_tenant(tenant).filter(contact__in=people.ids, handed_over_at__isnull=False)
    providers = Connection.objects.for_tenant(tenant).filter(pk__in=used.values("connection")).exclude(provider=LOCAL)
    told = [{"what": "provider", "name": row.label} for row in providers.order_by("pk")]
    systems = WebhookEndpoint.objects.for_tenant(tenant).filter(state=WebhookEndpoint.State.ACTIVE)
    told += [{"what": "endpoint", "name": str(row)} for row in systems.order_by("pk")]
    return told + [{"what": what, "name": ""} for what in ("source", "backups", "files", "hosts")]
