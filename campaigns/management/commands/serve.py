import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from winback.runtime import database, serve


class Command(BaseCommand):
    help = (
        "Runs web, workers and scheduler in the foreground, and embedded PostgreSQL and Valkey when no address of a "
        "server is set. Run it once and keep it running; Ctrl-C stops everything."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="The address to listen on.")
        parser.add_argument("--workers", type=int, default=1, help="How many RQ workers.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(databases=["default"])
        database.require_migrated()

        def ready(address: str) -> None:
            self.stdout.write(f"winback is at {address}/console/ (Ctrl-C stops it)")

        try:
            code = serve.run(options["port"], ready=ready, host=options["host"], workers=options["workers"])
        except serve.PortTaken as error:
            raise CommandError(str(error)) from error
        sys.exit(code)
