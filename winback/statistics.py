"""Planner statistics that keep up with bulk work.

PostgreSQL looks at a table of its own accord only a minute or more after it was filled. Until then it takes it for
nearly empty, and a statement over a freshly imported business can run for minutes instead of milliseconds. Two things
leave it behind: a table that has grown much (``keep_up``), and a tenant that is new in a large one and changes its size
by little (``keep_up_with``).
"""

import json
from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from winback.tenancy import protected_tables

# Half as many pages again as when PostgreSQL last looked; a few pages are right in either case.
GROWN = """
SELECT c.relname
  FROM pg_class c
 WHERE c.relkind = 'r' AND c.relname = ANY(%s) AND pg_table_is_visible(c.oid)
   AND pg_relation_size(c.oid) / current_setting('block_size')::bigint > 8 + 1.5 * greatest(c.relpages, 0)
 ORDER BY c.relname
"""


def keep_up() -> list[str]:
    """Have PostgreSQL look at those of our tables that have grown much since it last did; returns their names."""
    with connection.cursor() as cursor:
        cursor.execute(GROWN, [sorted(protected_tables())])
        grown = [row[0] for row in cursor.fetchall()]
        for table in grown:
            # Another process that looks at the same table is waited for by nobody.
            cursor.execute(f"ANALYZE (SKIP_LOCKED) {connection.ops.quote_name(table)}")
    return grown


_FAR_BEHIND = 4


def keep_up_with(cursor: CursorWrapper, tables: Sequence[str], tenant_id: int, written: int) -> None:
    """Analyze the tables if the first of them is thought to have far fewer of the tenant's rows than were written.

    Each as ``table`` or ``table (columns that are joined by)``. Inside an open scope.
    """
    if written < 500:
        return
    cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {tables[0].split()[0]} WHERE tenant_id = %s", [tenant_id])
    answer = cursor.fetchone()[0]
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    if plan["Plan Rows"] * _FAR_BEHIND < written:
        cursor.execute(f"ANALYZE {', '.join(tables)}")
