"""The touch ledger counts touches of households; the domain of an address can name its only user.

Touches go with their messages, which may have moved to a household of their own.
"""

from collections.abc import Sequence
from typing import Any

from django.db import connection

TOUCHES = """
UPDATE campaigns_touch t SET domain = '', household_id = m.household_id
  FROM campaigns_message m
 WHERE m.tenant_id = %(tenant)s AND m.contact_id = ANY(%(people)s)
   AND t.tenant_id = %(tenant)s AND t.message_id = m.id
   AND (t.domain <> '' OR t.household_id <> m.household_id)
"""
# A domain where others are written to, too, names nobody. What is removed is worked out, or asked of the DNS, anew.
DOMAIN_TABLES = ("campaigns_domainramp", "campaigns_recipientdomain")
DOMAINS = """
DELETE FROM {table} r
 WHERE r.tenant_id = %(tenant)s AND r.domain = ANY(%(domains)s)
   AND NOT EXISTS (SELECT FROM campaigns_touch t
                    WHERE t.tenant_id = %(tenant)s AND t.domain = r.domain AND t.domain <> '')
"""


def forget(tenant_id: int, people: Sequence[int], domains: Sequence[str]) -> dict[str, int]:
    """Take the domains of these people's addresses out of the ledger; how many rows of each table."""
    values: dict[str, Any] = {"tenant": tenant_id, "people": list(people), "domains": list(domains)}
    with connection.cursor() as cursor:
        cursor.execute(TOUCHES, values)
        counts = {"campaigns_touch": int(cursor.rowcount)}
        for table in DOMAIN_TABLES:
            cursor.execute(DOMAINS.format(table=table), values)
            counts[table] = int(cursor.rowcount)
    return counts
