"""``migrate``, acting for every tenant for its session: unscoped, a data migration would silently change 0 rows."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from winback import tenancy


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        with tenancy.migrating():
            super().handle(*args, **options)
