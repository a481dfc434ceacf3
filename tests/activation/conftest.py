"""A real business that lacks nothing."""

from datetime import datetime, timedelta

import pytest

from tenants.accounts.models import Tenant
from tenants.connections import probing
from tenants.connections.connecting import connect
from tenants.connections.evidence import note_data
from tenants.connections.models import CapabilityEvidence


@pytest.fixture
def shop(tenant: Tenant, catalog: None, now: datetime) -> Tenant:
    """A real business that lacks nothing."""
    Tenant.objects.filter(pk=tenant.pk).update(sandbox=False)
    tenant = Tenant.objects.get(pk=tenant.pk)
    connect(tenant, kind="email", provider="fake", label="mail", now=now, actor="test")
    connect(tenant, kind="sms", provider="twilio", label="texts", now=now, actor="test")
    note_data(tenant, "contacts", rows=2_000, newest_at=None, now=now)
    note_data(tenant, "jobs", rows=9_000, newest_at=now - timedelta(days=1), now=now)
    probing.refresh(tenant, now=now)
    CapabilityEvidence.objects.for_tenant(tenant).filter(capability="sms").update(state="ready", code="")
    return tenant
