"""What PostgreSQL's planner believes about a tenant's rows, mended where an import has left it far behind.

A tenant that has just been filled is unknown to the statistics, and autovacuum may take long to notice it among others:
the planner then reckons with one row, and joins thousands with thousands by trying each pair.
"""

import json
from collections.abc import Sequence

from django.db.backends.utils import CursorWrapper

_FAR_BEHIND = 4


def refresh(cursor: CursorWrapper, tables: Sequence[str], tenant_id: int, written: int) -> None:
    """Analyze the tables if the first of them is thought to have far fewer of the tenant's rows than were written.

    Each as ``table`` or ``table (columns that are joined by)``.
    """
    if written < 500:
        return
    cursor.execute(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {tables[0].split()[0]} WHERE tenant_id = %s", [tenant_id])
    answer = cursor.fetchone()[0]
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    if plan["Plan Rows"] * _FAR_BEHIND < written:
        cursor.execute(f"ANALYZE {', '.join(tables)}")
