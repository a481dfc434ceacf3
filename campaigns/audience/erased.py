"""Whom an import must not bring back: known by the digests of their number and addresses, and by nothing else."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.audience import addresses
from campaigns.audience.contact_records import ContactRecord
from campaigns.audience.models import Contact
from campaigns.audience.people import erased_number
from tenants.accounts.models import Tenant

ERASED = "contact_erased"
REFUSED = f"{ERASED}: this person was erased, and stays so"

ANYBODY = "SELECT EXISTS (SELECT FROM campaigns_contact WHERE tenant_id = %s AND state = 'erased')"
NUMBERS = """
SELECT external_id FROM campaigns_contact
 WHERE tenant_id = %(tenant)s AND external_id = ANY(%(numbers)s) AND state = 'erased'
"""
# Whoever is a customer besides, at an address shared with somebody who was erased, is still that customer. The address
# itself gets no messages.
REFUSE = """
WITH numbered AS (
    SELECT line FROM unnest(%(lines)s::bigint[], %(numbers)s::text[]) AS x(line, number)
      JOIN campaigns_contact c ON c.tenant_id = %(tenant)s AND c.external_id = x.number AND c.state = 'erased'
), addressed AS (
    SELECT s.line FROM staged_contact s
      JOIN campaigns_suppression x ON x.tenant_id = %(tenant)s AND x.address_hmac = coalesce(s.email_hmac, s.phone_hmac)
           AND x.channel = 'all' AND x.brand_id IS NULL AND x.lifted_at IS NULL AND x.reason = 'erasure'
     WHERE NOT EXISTS (SELECT FROM campaigns_contact c
                        WHERE c.tenant_id = %(tenant)s AND c.state = 'active' AND c.external_id = s.external_id)
       AND NOT EXISTS (SELECT FROM campaigns_contact c
                        WHERE s.external_id IS NULL AND c.tenant_id = %(tenant)s AND c.state = 'active'
                          AND (c.email_key = s.email_key OR (s.email_key IS NULL AND c.phone_key = s.phone_key)))
), refused AS (
    SELECT line FROM numbered UNION SELECT line FROM addressed
), gone AS (
    DELETE FROM staged_contact s USING refused r WHERE s.line = r.line
), unsaid AS (
    DELETE FROM staged_consent s USING refused r WHERE s.line = r.line
)
SELECT line FROM refused ORDER BY line
"""


def anybody(cursor: CursorWrapper, tenant_id: int) -> bool:
    """Whether this tenant has erased anybody: nothing else costs an import anything."""
    cursor.execute(ANYBODY, [tenant_id])
    return bool(cursor.fetchone()[0])


_ADDRESS = re.compile(r"[^\s<>;,\"()]+@[^\s<>;,\"()]+")
_FEWEST_DIGITS = 7
DIGESTS = """
SELECT address_hmac FROM campaigns_suppression
 WHERE tenant_id = %s AND channel = 'all' AND brand_id IS NULL AND lifted_at IS NULL AND reason = 'erasure'
"""


def names(tenant: Tenant, contacts: Sequence[int]) -> Callable[[Sequence[str]], bool]:
    """Whether a row of a rejects file is about one of these erased people, or at an address that an erasing left.

    All that is left to know them by are digests. The first two cells are ours: the line and the reason.
    """
    rows = Contact.objects.for_tenant(tenant).filter(pk__in=contacts)
    numbers = {number for number in rows.values_list("external_id", flat=True) if number}
    with connection.cursor() as cursor:
        cursor.execute(DIGESTS, [tenant.pk])
        digests = {digest for (digest,) in cursor.fetchall()}

    def about_them(cells: Sequence[str]) -> bool:
        for cell in cells[2:]:
            if cell and erased_number("contact", cell) in numbers:
                return True
            keys = {addresses.email_key(found) for found in _ADDRESS.findall(cell)}
            if sum(character.isdecimal() for character in cell) >= _FEWEST_DIGITS:
                keys.add(addresses.phone_e164(cell, tenant.country))
            if any(key is not None and addresses.address_hmac(key) in digests for key in keys):
                return True
        return False

    return about_them


def refuse_contacts(
    cursor: CursorWrapper, tenant_id: int, staged: Sequence[tuple[int, ContactRecord]]
) -> list[tuple[int, str]]:
    """Take the staged rows of erased people away again; their lines, each with the reason."""
    if not anybody(cursor, tenant_id):
        return []
    numbered = [(line, row.external_id) for line, row in staged if row.external_id is not None]
    values: dict[str, Any] = {
        "tenant": tenant_id,
        "lines": [line for line, _ in numbered],
        "numbers": [erased_number("contact", number) for _, number in numbered],
    }
    cursor.execute(REFUSE, values)
    return [(line, REFUSED) for (line,) in cursor.fetchall()]


def numbers_among(cursor: CursorWrapper, tenant_id: int, numbers: Iterable[str]) -> set[str]:
    """Those of the business's own numbers whose contacts were erased."""
    known = {erased_number("contact", number): number for number in numbers}
    if not known or not anybody(cursor, tenant_id):
        return set()
    cursor.execute(NUMBERS, {"tenant": tenant_id, "numbers": list(known)})
    return {known[digest] for (digest,) in cursor.fetchall()}
