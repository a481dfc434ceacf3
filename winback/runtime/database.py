"""Whether the database is as this version of winback needs it."""

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class NotMigrated(ImproperlyConfigured):
    """Migrations are pending: on a server of one's own they are applied when somebody says so."""


def require_migrated() -> None:
    """Raise NotMigrated when migrations are pending."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        raise NotMigrated(
            f"DATABASE_URL names a database with {len(pending)} pending migrations: "
            "run `manage.py migrate` and `manage.py sync_catalog` first."
        )
