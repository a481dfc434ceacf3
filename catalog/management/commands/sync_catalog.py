"""``sync_catalog``: see catalog/sync.py."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from catalog.reading import CatalogError
from catalog.sync import sync
from winback.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Loads and validates the catalog: modules, niches, plans, guards, workflows, templates, quiet hours."
    how_often = "after every update of winback; running it again changes nothing."

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            report = asdict(sync(self.now(options)))
        except CatalogError as error:
            raise CommandError(f"The catalog is not valid, nothing was loaded:\n{error}") from error
        if options["json"]:
            self.print_json(report)
        else:
            self.print_lines(report)
