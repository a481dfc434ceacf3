import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.text import slugify

from campaigns.audience.reading import UnreadableFile
from campaigns.operating import demo, demo_printing
from campaigns.operating.demo_sign_in import password_of
from campaigns.operating.simulating import LaterAlready, NotASandbox
from tenants.accounts.alone import AlreadySimulating, RegularWorkGoesOn
from tenants.activation.onboarding import TenantRefused
from winback.commands import WrongUsage
from winback.runtime import database, serve

OWN = ("name", "niche", "timezone", "country", "region", "currency", "address")


class Command(BaseCommand):
    help = (
        "Shows winback at work: imports a generated sample business (or your own files) into a sandbox, finds who has "
        "gone quiet, writes to the local outbox, prints what came of it and serves the console. Run it as often as you "
        "like: a second run finds what is there and is quick."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Stop after printing; serve nothing.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of lines.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--days", type=int, metavar="N", help="How many days to go on after --as-of.")
        own = parser.add_argument_group("a business of your own, instead of the sample")
        own.add_argument("--contacts", type=Path, metavar="FILE", help="Its contacts (docs/import.md).")
        own.add_argument("--jobs", type=Path, metavar="FILE", help="Its jobs.")
        own.add_argument(
            "--as-of", type=date.fromisoformat, metavar="DATE", help="The day that its files tell of; their last one."
        )
        for name in OWN:
            own.add_argument(f"--{name}", metavar=name.upper())

    def handle(self, *_: Any, **options: Any) -> None:
        self.check(databases=["default"])
        database.require_migrated()
        business = self._business(options)
        try:
            shown = demo.show(business, now=timezone.now(), say=self._say)
        except (UnreadableFile, NotASandbox, AlreadySimulating, LaterAlready, RegularWorkGoesOn) as error:
            raise CommandError(str(error)) from error
        except TenantRefused as error:
            raise WrongUsage(f"The sandbox was not made: {error}.") from error
        sign_in = {"email": business.owner, "password": password_of(business.owner)}
        outbox = str(Path(settings.WINBACK_HOME) / "outbox" / shown.tenant.slug)
        if options["json"]:
            more = {"tenant": shown.tenant.slug, "as_of": str(shown.as_of), "last_day": str(shown.last_day)}
            self.stdout.write(json.dumps(more | shown.counts | {"sign_in": sign_in, "outbox": outbox}, default=str))
        else:
            for line in demo_printing.lines(shown):
                self.stdout.write(line)
            if not (options["contacts"] or shown.missing):
                self.stdout.write(
                    "  (The sample is drawn so that writing changes nothing: a difference in it is chance.)"
                )
            self.stdout.write(f"\n  messages  {outbox}")
        if options["once"]:
            return
        self._serve(options["port"], sign_in)

    def _business(self, options: dict[str, Any]) -> demo.Business:
        if not (options["contacts"] or options["jobs"]):
            days = options["days"]
            return demo.bundled() if days is None else demo.bundled(days=days)
        if not (options["contacts"] and options["jobs"]):
            raise WrongUsage("A business of your own needs both: --contacts FILE --jobs FILE.")
        for path in (options["contacts"], options["jobs"]):
            if not path.is_file():
                raise WrongUsage(f"There is no file {path}.")
        name = options["name"] or "Your business"
        own = demo.Business(slugify(name)[:50] or "your-business", name, options["contacts"], options["jobs"])
        said = {field: options[field] for field in OWN[1:] if options[field]}
        return replace(own, **said, as_of=options["as_of"], days=options["days"] or 0)

    def _serve(self, port: int, sign_in: dict[str, str]) -> None:
        def ready(address: str) -> None:
            self.stdout.write(f"  console   {address}/console/")
            self.stdout.write(f"  sign in   {sign_in['email']}  {sign_in['password']}")
            self.stdout.write("\nCtrl-C stops everything.")
            self.stdout.flush()

        try:
            code = serve.run(port, ready=ready)
        except serve.PortTaken as error:
            raise CommandError(str(error)) from error
        sys.exit(code)

    def _say(self, text: str) -> None:
        """Progress, on standard error; each line in the place of the one before on a terminal."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[K{text}", ending="")
            self.stderr.flush()
        else:
            self.stderr.write(text)
