"""What a tenant's own systems were told of a person who is erased, and what they answered."""

from collections.abc import Sequence

from django.db import connection

from tenants.journal.forgetting import KEPT_FACTS

# A delivery that waits says no name any more (payloads.py); what was answered to an earlier one may repeat it.
FORGET = """
UPDATE tenants_webhookdelivery d
   SET excerpt = '', error = '',
       data = (SELECT coalesce(jsonb_object_agg(x.key, x.value), '{}') FROM jsonb_each(d.data) x
                WHERE x.key = ANY(%(kept)s))
 WHERE d.tenant_id = %(tenant)s AND d.contact_id = ANY(%(people)s)
   AND (d.excerpt <> '' OR d.error <> ''
        OR EXISTS (SELECT FROM jsonb_object_keys(d.data) k WHERE k <> ALL(%(kept)s)))
"""


def forget(tenant_id: int, people: Sequence[int]) -> dict[str, int]:
    """Empty the deliveries about these people."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"tenant": tenant_id, "people": list(people), "kept": list(KEPT_FACTS)})
        return {"tenants_webhookdelivery": cursor.rowcount}
