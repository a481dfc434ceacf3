"""The months of the journal: each has a partition of its own, made ahead, so that old ones can be dropped whole."""

import logging
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction

from tenants.accounts.isolation import isolate_table

logger = logging.getLogger(__name__)


def make_ahead(*, now: datetime, months: int = 3) -> list[str]:
    """Make the partitions of the coming months that are not there yet; returns their names.

    A month of which the default partition already holds rows (the present one, or one that a clock once ran ahead to)
    is left to it: PostgreSQL refuses such a partition, and nothing is lost by that.
    """
    made = []
    first = date(now.year, now.month, 1)
    with connection.cursor() as cursor:
        for ahead in range(1, months + 1):
            start, end = _month(first, ahead), _month(first, ahead + 1)
            name = f"tenants_event_{start:%Y_%m}"
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
            if cursor.fetchone()[0]:
                continue
            create = f"CREATE TABLE {name} PARTITION OF tenants_event FOR VALUES FROM ('{start}') TO ('{end}')"
            try:
                with transaction.atomic():
                    cursor.execute(create)
            except IntegrityError:
                logger.warning("The journal of %s stays in the default partition, which holds rows of it.", name)
                continue
            for statement in isolate_table(name, append_only=True):
                cursor.execute(statement)
            cursor.execute(
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name} "
                "FOR EACH STATEMENT EXECUTE FUNCTION winback_refuse_change()"
            )
            made.append(name)
    return made


def _month(first: date, ahead: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + ahead, 12)
    return date(year, month + 1, 1)
