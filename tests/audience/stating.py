"""What files state of the consent of one person, and what holds then."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from campaigns.audience.models import Contact
from campaigns.compliance.lawful_until import CONSENT
from tenants.accounts.models import Tenant
from tests import factories
from tests.audience.importing import run, written

HEADER = "external_id,email_consent,email_consent_at,email_consent_source\n"


TODAY, TOMORROW = "2026-09-30", "2026-10-01"
LATER = factories.NOW + timedelta(days=1)


def state(tenant: Tenant, *, now: datetime = LATER) -> str | None:
    """What holds for c1, as the guards ask it."""
    contact = Contact.objects.for_tenant(tenant).get(external_id="c1")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT consent.state FROM (SELECT %(contact)s::bigint AS contact_id, 'email' AS channel) a {CONSENT}",
            {
                "tenant": tenant.pk,
                "contact": contact.pk,
                "now": now,
                "zone": tenant.timezone,
                "today": now.astimezone(tenant.zone).date(),
            },
        )
        row: Any = cursor.fetchone()
    return row[0] if row else None


def take(tenant: Tenant, directory: Path, *cells: str, now: datetime = factories.NOW) -> None:
    run("contacts", tenant, written(directory, HEADER + "".join(f"c1,{cell}\n" for cell in cells)), now=now)
