"""Which of the reports that providers sent are about some people, and the part of each that is."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from campaigns.audience.people import People

MOST_WORDS = 50
"""In one pattern, which is looked for in one pass over the reports; a pass with hundreds costs more than several."""
# Bytes as text, one character a byte, so that any body can be searched.
NAMING = """
SELECT i.id, i.state FROM campaigns_inboxitem i
 WHERE i.tenant_id = %(tenant)s AND (i.body <> '' OR i.query <> '' OR i.detail <> '')
   AND lower(encode(i.body, 'escape') || ' ' || i.query || ' ' || i.headers::text || ' ' || i.detail) ~ %(pattern)s
"""
REPORTS = """
SELECT received_at, query, body, detail FROM campaigns_inboxitem
 WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s) ORDER BY id
"""


def items_naming(tenant_id: int, words: Sequence[str]) -> dict[int, str]:
    """The inbox rows in which one of these words stands, with their states."""
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        for batch in (words[start : start + MOST_WORDS] for start in range(0, len(words), MOST_WORDS)):
            pattern = "|".join(map(re.escape, batch))
            cursor.execute(NAMING, {"tenant": tenant_id, "pattern": pattern})
            found |= dict(cursor.fetchall())
    return found


def names(people: People) -> Callable[[Sequence[str]], bool]:
    """Whether a row of a rejects file is about one of these people: an address in any spelling, or a number of theirs.

    Its first two cells are ours: the line and the reason.
    """
    numbers = {row.external_id for row in people.rows if row.external_id}
    digits = {word[-10:] for word in people.addresses if word.isdigit()}

    def about_them(cells: Sequence[str]) -> bool:
        text = " ".join(cells).lower()
        if any(word in text for word in people.words) or numbers & set(cells[2:]):
            return True
        return any(one in "".join(filter(str.isdecimal, cell)) for cell in cells[2:] for one in digits)

    return about_them


def reports_naming(people: People) -> list[dict[str, Any]]:
    """Each report that names them; of one about many people the entries about them alone."""
    items = list(items_naming(people.tenant.pk, people.addresses))
    with connection.cursor() as cursor:
        cursor.execute(REPORTS, {"tenant": people.tenant.pk, "items": items})
        rows = cursor.fetchall()
    return [
        {"received_at": at, "query": query, "body": _theirs(bytes(body).decode(errors="replace"), people.addresses),
         "detail": detail}
        for at, query, body, detail in rows
    ]  # fmt: skip


def _theirs(body: str, words: Sequence[str]) -> Any:
    try:
        told = json.loads(body)
    except ValueError:
        return body
    if not isinstance(told, list):
        return told
    return [one for one in told if any(word in json.dumps(one, ensure_ascii=False).lower() for word in words)]
