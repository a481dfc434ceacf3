"""Answers that the API would give again to the same request, where they name a person who is erased."""

from collections.abc import Sequence

from django.db import connection

FORGET = """
DELETE FROM tenants_idempotentrequest r
 WHERE r.tenant_id = %(tenant)s
   AND EXISTS (SELECT FROM unnest(%(words)s::text[]) w(word)
                WHERE strpos(lower(r.key || ' ' || coalesce(r.body::text, '')), w.word) > 0)
"""


def forget(tenant_id: int, words: Sequence[str]) -> dict[str, int]:
    """Remove them: who repeats such a request is answered anew."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET, {"tenant": tenant_id, "words": list(words)})
        return {"tenants_idempotentrequest": cursor.rowcount}
