"""Which of the reports that providers sent are about some people, and the part of each that is."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from campaigns.audience.people import People

# Bytes as text, one character a byte, so that any body can be searched.
NAMES = """EXISTS (SELECT FROM unnest(%(words)s::text[]) w(word)
                    WHERE strpos(lower(encode(i.body, 'escape') || ' ' || i.query || ' ' || i.headers::text || ' '
                                       || i.detail), w.word) > 0)"""
REPORTS = f"""
SELECT i.received_at, i.query, i.body, i.detail FROM campaigns_inboxitem i
 WHERE i.tenant_id = %(tenant)s AND {NAMES} ORDER BY i.id
"""


def names(people: People) -> Callable[[Sequence[str]], bool]:
    """Whether the cells of a row are about one of these people: an address in any spelling, or a number of theirs."""
    numbers = {row.external_id for row in people.rows if row.external_id}
    digits = {word[-10:] for word in people.words if word.isdigit()}

    def about_them(cells: Sequence[str]) -> bool:
        text = " ".join(cells).lower()
        if any(word in text for word in people.words) or numbers & set(cells):
            return True
        return any(one in "".join(filter(str.isdecimal, cell)) for cell in cells for one in digits)

    return about_them


def reports_naming(people: People) -> list[dict[str, Any]]:
    """Each report that names them; of one about many people the entries about them alone."""
    with connection.cursor() as cursor:
        cursor.execute(REPORTS, {"tenant": people.tenant.pk, "words": list(people.words)})
        rows = cursor.fetchall()
    return [
        {"received_at": at, "query": query, "body": _theirs(bytes(body).decode(errors="replace"), people.words),
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
