"""Businesses with thousands of messages due, made and looked after in the servers that a test kills (nursery.call)."""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from campaigns.audience import dormancy
from campaigns.audience.importing import import_file
from campaigns.audience.importing_contacts import Contacts
from campaigns.audience.importing_jobs import Jobs
from campaigns.delivery import recovering
from campaigns.operating.planning import plan
from campaigns.planning.models import Message
from catalog.sync import sync
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tests import factories
from winback.tenancy import acting_for, acting_for_all

NOW = factories.NOW  # noon in Chicago
CONTACTS = ["external_id", "email", "first_name", "last_name", "region", "country", "email_consent", "email_consent_at"]
JOBS = ["external_id", "contact_external_id", "completed_at", "amount", "service"]


def prepare() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    sync(NOW)


def make(slug: str, messages: int, host: str, port: int, per_second: int = 0) -> int:
    """A tenant with so many treated customers whose first message is due now; by the local outbox without a host."""
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant(slug, plan="enterprise", sandbox=not host)
    with acting_for(tenant.pk):
        options = {
            "host": host, "port": str(port), "security": "none", "domain_limits": False, "per_second": per_second,
        }  # fmt: skip
        if host:
            connect(tenant, kind="email", provider="smtp", now=NOW, actor="test", options=options)
        else:
            connect(tenant, kind="email", provider="local", now=NOW, actor="test")
        wanted: dict[str, Any] = {
            "daily_enrolment_cap": messages, "channels": ["email"], "email_courteous_hours": False,
        }  # fmt: skip
        factories.make_activation(tenant, settings=wanted, holdout_share=0)
    last = NOW - timedelta(days=200)
    numbers = range(messages)
    people = [
        [f"C-{n}", f"p{n}@{slug}.example.com", f"Name{n}", "Doe", "IL", "US", "yes", "2025-01-02"] for n in numbers
    ]
    work = [[f"J-{n}", f"C-{n}", last.isoformat(), "129.00", "Furnace tune-up"] for n in numbers]
    import_file(Contacts(), tenant, _written(f"{slug}-contacts", CONTACTS, people), now=NOW)
    import_file(Jobs(), tenant, _written(f"{slug}-jobs", JOBS, work), now=NOW)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL does within a minute
    dormancy.scan(now=NOW, tenant=tenant)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with acting_for(tenant.pk):
        plan(tenant, now=NOW)
        planned = Message.objects.for_tenant(tenant).filter(state="planned", due_at__lte=NOW).count()
    assert planned == messages, f"{planned} of {messages} are planned"
    return int(tenant.pk)


def _written(name: str, header: list[str], rows: list[list[str]]) -> Path:
    path = Path(settings.WINBACK_HOME) / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def recover(tenant: int) -> dict[str, int]:
    """What the regular work does for a tenant after a crash."""
    now: datetime = timezone.now()
    with acting_for(tenant):
        done = dict(recovering.recover(tenant, now=now))
    recovering.look_up_unknown(Tenant.objects.get(pk=tenant), now=now)
    return done


def states(tenant: int) -> dict[str, list[int]]:
    """The messages of a tenant by state."""
    found: dict[str, list[int]] = {}
    with acting_for(tenant):
        for pk, state in Message.objects.for_tenant(tenant).order_by("pk").values_list("pk", "state"):
            found.setdefault(state, []).append(pk)
    return found
