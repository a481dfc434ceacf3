"""What the journal knows of a person who is erased: that something happened stays, in whose words it did not.

The journal and what a person agreed to are append-only. Erasing alone opens them, for its one statement each; the
audit stays closed, for it holds numbers and no words (docs/decisions/0010).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

KEPT_FACTS = (
    "episode", "cohort", "lapsed_from", "by", "channel", "reason", "campaign", "job", "arm", "kind", "meaning", "rule",
    "loser", "jobs", "across_arms",
)  # fmt: skip
"""Of an event's data: numbers, moments and codes of ours. Tags and sources are people's words."""

EVENTS = """
UPDATE tenants_event e
   SET data = (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}') FROM jsonb_each(e.data) d
                WHERE d.key = ANY(%(kept)s))
 WHERE e.tenant_id = %(tenant)s AND e.contact_id = ANY(%(people)s)
   AND EXISTS (SELECT FROM jsonb_object_keys(e.data) k WHERE k <> ALL(%(kept)s))
"""

# A file that was brought to the console lies packed in its task, where no word is found: what is over needs none. One
# that still waits is read by the import, which takes nobody who was erased. What is still to be done is emptied only
# where they are named for certain: it may be for somebody whose address theirs is a part of.
TASKS = """
UPDATE tenants_task t
   SET arguments = '{}', result = '{}', error = '', title = t.kind
 WHERE t.tenant_id = %(tenant)s
   AND (EXISTS (SELECT FROM unnest(%(words)s::text[], %(patterns)s::text[]) w(word, pattern),
                       lower(concat_ws(' ', t.title, (t.arguments - 'content')::text, t.result::text, t.error)) s(said)
                 WHERE CASE WHEN strpos(s.said, w.word) = 0 THEN false
                            ELSE t.state NOT IN ('queued', 'running') OR s.said ~ w.pattern END)
        OR (t.state NOT IN ('queued', 'running') AND t.arguments ->> 'content' IS NOT NULL))
"""


@contextmanager
def append_only_opened(cursor: CursorWrapper) -> Iterator[None]:
    """Let what is append-only be emptied, inside the transaction that erases and nowhere else."""
    cursor.execute("SELECT set_config('winback.erasing', 'on', true)")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            cursor.execute("SELECT set_config('winback.erasing', '', true)")


def forget(tenant_id: int, people: Sequence[int], words: Sequence[str], patterns: Sequence[str]) -> dict[str, int]:
    """Take the words out of the events and tasks that are about these people; how many rows of each table.

    ``patterns``: the same words, each as a regular expression that finds it as a whole.
    """
    values: dict[str, Any] = {"tenant": tenant_id, "people": list(people)}
    values |= {"words": list(words), "patterns": list(patterns)}
    values["kept"] = list(KEPT_FACTS)
    with connection.cursor() as cursor:
        with append_only_opened(cursor):
            cursor.execute(EVENTS, values)
            events = cursor.rowcount
        cursor.execute(TASKS, values)
        return {"tenants_event": events, "tenants_task": cursor.rowcount}
