from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from campaigns.operating import hosts
from campaigns.operating.erasure_models import Host
from winback.commands import ReportingCommand, WrongUsage


class Command(ReportingCommand):
    help = (
        "Removes from this host's own files (its outbox, and the rows of imports that were not taken) what is about "
        "people who were erased on another host, and notes it on the proof of each erasing."
    )
    how_often = "every few minutes, unless `manage.py serve` runs on this host, whose scheduler does it every minute."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--gone", metavar="HOST",
            help="Instead, strike a host whose disk is no more, by its name or key: nobody waits for it any longer.",
        )  # fmt: skip

    def handle(self, *_: Any, **options: Any) -> None:
        now = self.now(options)
        keys: dict[str, Any]
        if options.get("gone"):
            keys = {"struck": hosts.forget_host(options["gone"])}
            if not keys["struck"]:
                known = ", ".join(str(host) for host in Host.objects.order_by("name")) or "none"
                raise WrongUsage(f"There is no host {options['gone']!r}. Known: {known}.")
        else:
            keys = {"host": hosts.this_host(now=now).name} | asdict(hosts.tend(now=now))
        every = Host.objects.order_by("name", "key")
        keys["hosts"] = [f"{host} ({host.key}): last seen {host.last_seen_at.isoformat()}" for host in every]
        if options.get("json"):
            self.print_json(keys)
        else:
            self.print_lines(keys)
