"""What every command of winback shares (contract.md §3): --as-of, --dry-run, --json, progress, exit codes 0, 1, 2."""

import json
import re
from argparse import ArgumentTypeError
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from winback.progress import Progress

Keys = dict[str, Any]


class WrongUsage(CommandError):
    """The command was called wrongly: exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


@dataclass(frozen=True)
class AsOf:
    """The moment a command acts as of; a bare date is noon, and a time without a zone is local."""

    text: str

    def in_zone(self, zone: ZoneInfo) -> datetime:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.text):
            return datetime.combine(date.fromisoformat(self.text), time(12), zone)
        moment = datetime.fromisoformat(self.text)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def as_of(text: str) -> AsOf:
    """The value of ``--as-of``, refused at once when it is no moment."""
    value = AsOf(text.strip())
    try:
        value.in_zone(ZoneInfo("UTC"))
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is no moment: write 2026-09-30 (noon) or 2026-09-30T14:00 (local) or with a zone."
        ) from error
    return value


class ReportingCommand(BaseCommand):
    """A command that does something and reports it, as lines for a person or as one JSON object.

    Subclasses say in ``help`` what it does and in ``how_often`` how often to run it.
    """

    how_often = ""
    takes_as_of = True
    takes_dry_run = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        if self.how_often:
            kwargs.setdefault("epilog", f"How often: {self.how_often}")
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object on standard output.")
        if self.takes_as_of:
            parser.add_argument(
                "--as-of",
                type=as_of,
                metavar="ISO-8601",
                help="Act as of this moment instead of now; a bare date means noon, local time.",
            )
        if self.takes_dry_run:
            parser.add_argument("--dry-run", action="store_true", help="Compute everything, keep nothing.")

    def now(self, options: Keys, zone: ZoneInfo | None = None) -> datetime:
        """The clock that this run acts by: read once, or as it was given."""
        chosen: AsOf | str | None = options.get("as_of")
        if isinstance(chosen, str):  # from call_command, which does not parse
            chosen = AsOf(chosen)
        if chosen is not None:
            return chosen.in_zone(zone or ZoneInfo("UTC"))
        if not hasattr(self, "_clock"):
            self._clock = timezone.now().astimezone(UTC)
        return self._clock

    def progress(self, label: str, total: int = 0) -> Progress:
        """A bar on standard error when that is a terminal."""
        return Progress(self.stderr, label, total)

    def print_json(self, keys: Keys) -> None:
        self.stdout.write(json.dumps(keys, ensure_ascii=False, default=str))

    def print_lines(self, keys: Keys, indent: str = "") -> None:
        """Keys and values, one a line, the values in one column; nested ones below their key."""
        width = max((len(str(key)) for key, value in keys.items() if not isinstance(value, dict)), default=0)
        for key, value in keys.items():
            label = str(key).replace("_", " ")
            if isinstance(value, dict):
                if value:
                    self.stdout.write(f"{indent}{label}")
                    self.print_lines(value, indent + "  ")
                else:
                    self.stdout.write(f"{indent}{label.ljust(width)}  none")
            else:
                self.stdout.write(f"{indent}{label.ljust(width)}  {readable(value)}")


def readable(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(readable(item) for item in value) or "none"
    return str(value)
