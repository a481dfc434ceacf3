"""Which of the reports that providers sent are about some people, and the part of each that is."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from campaigns.audience.people import People
from campaigns.tracking.spelled import Spelled

WRITTEN = """
SELECT i.id, i.state, i.body, i.query || ' ' || i.headers::text || ' ' || i.detail FROM campaigns_inboxitem i
 WHERE i.tenant_id = %s AND (i.body <> '' OR i.query <> '' OR i.detail <> '')
"""
_NATIONAL = 10
AT_ONCE = 500
"""Rows in memory, of which each may be large."""
REPORTS = """
SELECT received_at, query, body, detail FROM campaigns_inboxitem
 WHERE tenant_id = %(tenant)s AND id = ANY(%(items)s) ORDER BY id
"""


def items_naming(tenant_id: int, spelled: Spelled) -> dict[int, str]:
    """The inbox rows in which one of these words or references of ours stands, with their states.

    Every row is looked at once, for all of them together: in PostgreSQL each would cost a pattern more.
    """
    if not spelled:
        return {}
    found: dict[int, str] = {}
    with connection.chunked_cursor() as cursor:
        cursor.execute(WRITTEN, [tenant_id])
        while rows := cursor.fetchmany(AT_ONCE):
            found |= {
                id_: state for id_, state, body, rest in rows if spelled.named_in(bytes(body)) or spelled.named_in(rest)
            }
    return found


def names(people: People) -> Callable[[Sequence[str]], bool]:
    """Whether a row of a rejects file is about one of these people: an address in any spelling, or a number of theirs.

    Its first two cells are ours: the line and the reason.
    """
    numbers = {row.external_id for row in people.rows if row.external_id}
    digits = {word[-_NATIONAL:] for word in people.addresses if word.isdecimal()}
    theirs = Spelled(people.words)

    def about_them(cells: Sequence[str]) -> bool:
        if numbers & set(cells[2:]) or theirs.named_in(" ".join(cells).lower()):
            return True
        return any(_is_number(one, "".join(filter(str.isdecimal, cell))) for cell in cells[2:] for one in digits)

    return about_them


def _is_number(digits: str, found: str) -> bool:
    """Whether a cell has this number, however it is written; a short one is found in too much that is none."""
    return digits in found if len(digits) == _NATIONAL else found == digits


def reports_naming(people: People) -> list[dict[str, Any]]:
    """Each report that names them; of one about many people the entries about them alone."""
    theirs = Spelled(people.addresses)
    items = list(items_naming(people.tenant.pk, theirs))
    with connection.cursor() as cursor:
        cursor.execute(REPORTS, {"tenant": people.tenant.pk, "items": items})
        rows = cursor.fetchall()
    return [
        {"received_at": at, "query": query, "body": _theirs(bytes(body).decode(errors="replace"), theirs),
         "detail": detail}
        for at, query, body, detail in rows
    ]  # fmt: skip


def _theirs(body: str, theirs: Spelled) -> Any:
    try:
        told = json.loads(body)
    except ValueError:
        return body
    if isinstance(told, list):
        told = [each for each in told if theirs.named_in(_text(each))]
    return _part(told, theirs)


def _part(told: Any, theirs: Spelled) -> Any:
    """Of each list in which some entries name them, those: the others are about other people."""
    if isinstance(told, dict):
        return {name: _part(value, theirs) for name, value in told.items()}
    if not isinstance(told, list):
        return told
    naming = [each for each in told if theirs.named_in(_text(each))]
    return [_part(each, theirs) for each in naming or told]


def _text(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False).lower()
