"""Planner statistics that keep up with bulk work.

PostgreSQL looks at a table of its own accord only a minute or more after it was filled. Until then it takes it for
nearly empty, and a statement over a freshly imported business can run for minutes instead of milliseconds.
"""

from django.db import connection

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
