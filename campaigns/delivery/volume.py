"""How much leaves from a sending domain on its busiest day: mailbox providers judge bulk senders more strictly."""

from datetime import datetime, timedelta

from django.db import connection

from tenants.accounts.models import Tenant

LOOK_BACK = timedelta(days=3)
"""Longer than the time between two looks; a day that was counted once stays counted."""

_NOTE = """
WITH days AS (
    SELECT lower(split_part(b.sender_email, '@', 2)) AS domain,
           (m.handed_over_at AT TIME ZONE %(zone)s)::date AS day, count(*) AS number
      FROM campaigns_message m
      JOIN campaigns_campaign c ON c.tenant_id = m.tenant_id AND c.id = m.campaign_id
      JOIN tenants_brand b ON b.tenant_id = c.tenant_id AND b.id = c.brand_id
     WHERE m.tenant_id = %(tenant)s AND m.channel = 'email' AND m.handed_over_at > %(since)s
     GROUP BY 1, 2
)
UPDATE tenants_sendingdomain d SET busiest_day = most.number
  FROM (SELECT domain, max(number) AS number FROM days GROUP BY domain) most
 WHERE d.tenant_id = %(tenant)s AND d.domain = most.domain AND d.busiest_day < most.number
"""


def note_busiest_day(tenant: Tenant, *, now: datetime) -> int:
    """Keep the most e-mails of one day for each domain, which never falls; returns how many domains rose."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"tenant": tenant.pk, "zone": tenant.timezone, "since": now - LOOK_BACK})
        return int(cursor.rowcount)
