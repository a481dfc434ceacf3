"""Which of the reports that providers sent are about some people, and the part of each that is."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ahocorasick import Automaton
from django.db import connection

from campaigns.audience.people import People

WRITTEN = """
SELECT i.id, i.state, i.body, i.query || ' ' || i.headers::text || ' ' || i.detail FROM campaigns_inboxitem i
 WHERE i.tenant_id = %s AND (i.body <> '' OR i.query <> '' OR i.detail <> '')
"""
AT_ONCE = 500
"""Rows in memory, of which each may be large."""
REPORTS = """
SELECT received_at, query, body, detail FROM campaigns_inboxitem
 WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s) ORDER BY id
"""


def items_naming(tenant_id: int, words: Sequence[str], references: Collection[str] = ()) -> dict[int, str]:
    """The inbox rows in which one of these words or references of ours stands, with their states.

    Every row is looked at once, for all of them together: in PostgreSQL each would cost a pattern more.
    """
    known = Automaton()
    for word in (*words, *references):
        known.add_word(_searched(word), word in references)
    if not known:
        return {}
    known.make_automaton()
    found: dict[int, str] = {}
    with connection.chunked_cursor() as cursor:
        cursor.execute(WRITTEN, [tenant_id])
        while rows := cursor.fetchmany(AT_ONCE):
            found |= {
                id_: state
                for id_, state, body, rest in rows
                if _stands_in(_searched(bytes(body)) + " " + _searched(rest), known)
            }
    return found


def _searched(text: str | bytes) -> str:
    """One character a byte, so that any body can be searched."""
    return (text.encode() if isinstance(text, str) else text).decode("latin-1").lower()


def _stands_in(text: str, known: Automaton) -> bool:
    """A reference ends with its number: wb-12 does not stand in wb-123."""
    return any(not is_reference or not text[end + 1 : end + 2].isdigit() for end, is_reference in known.iter(text))


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
